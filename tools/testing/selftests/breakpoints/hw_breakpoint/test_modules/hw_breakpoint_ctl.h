/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test modules' debugfs files that take one command a write.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef _HW_BREAKPOINT_CTL_H
#define _HW_BREAKPOINT_CTL_H

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

/* What was written, as a string, to @run, with @lock held. Returns what a write() returns. */
static inline ssize_t run_written(const char __user *buf, size_t size, struct mutex *lock,
				  int (*run)(const char *text))
{
	char text[128];
	int err;

	if (size >= sizeof(text))
		return -E2BIG;
	if (copy_from_user(text, buf, size))
		return -EFAULT;
	text[size] = '\0';
	mutex_lock(lock);
	err = run(text);
	mutex_unlock(lock);
	return err ?: size;
}

/* Defines ctl_fops, by which @run takes commands under @lock. */
#define DEFINE_CTL_FOPS(lock, run)						\
static ssize_t ctl_write(struct file *file, const char __user *buf, size_t size,	\
			 loff_t *ppos)						\
{										\
	return run_written(buf, size, lock, run);				\
}										\
										\
static const struct file_operations ctl_fops = {				\
	.owner	= THIS_MODULE,							\
	.open	= simple_open,							\
	.write	= ctl_write,							\
	.llseek	= noop_llseek,							\
}

#endif /* _HW_BREAKPOINT_CTL_H */
