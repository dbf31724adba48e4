// SPDX-License-Identifier: GPL-2.0-only
/*
 * A target for the selftests: makes kernel accesses that are counted, and uses the
 * in-kernel breakpoint API, as /sys/kernel/debug/hw_breakpoint_target/ is told.
 *
 * Write to "ctl":
 *   w N WIDTH, r N WIDTH        N stores to, or loads from, the variable
 *   x N                         N calls of the function
 *   irq N, int3 N               N stores of 8 bytes in an interrupt on each CPU, or one each in N
 *                               handlers of a kprobe, which count as NMIs
 *   objects N                   allocates N objects, instead of those that there were
 *   touch VALUE                 stores VALUE to each of them in a function that is handed the
 *                               object, and VALUE + 1 then outside of it
 *   user PID TYPE ADDR LEN      register_user_hw_breakpoint()
 *   wide TYPE ADDR LEN          register_wide_hw_breakpoint()
 *   modify TYPE ADDR LEN        modify_user_hw_breakpoint()
 *   probe ADDR                  puts a kprobe that does nothing there; 0 takes it away
 *   bpext ON                    whether a breakpoint may be as long as AMD's masks allow; 0
 *                               makes it again what the CPU says
 *   masks ON                    whether calls of amd_set_dr_addr_mask() are noted; they are
 *                               forgotten when the machine is about to sleep
 *   drop                        takes away what user or wide made, and probe, bpext, and
 *                               masks; resets the hits
 *   sym NAME                    "result" becomes the address of a kernel symbol
 *   percpu NAME CPU             the same, of a CPU's own copy of a per-CPU symbol
 *   long NAME                   the value of a kernel variable
 *   mask CPU REGISTER           the last two masks noted there: the earlier one in the high
 *                               half; all ones where there was none
 * Read "status": lines "var", "func", "result" (addresses), "hits", and "used" (what
 * hw_breakpoint_is_used() says).
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <linux/cpufeature.h>
#include <linux/debugfs.h>
#include <linux/hw_breakpoint.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/perf_event.h>
#include <linux/pid.h>
#include <linux/processor.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "hw_breakpoint_ctl.h"

/* === Data === */

/* What the stores and loads go to: alone on its cache line, touched by nothing else. */
static u64 target_var __aligned(64);

/* Serialises commands; protects all that follows but the hits. */
static DEFINE_MUTEX(target_lock);

/* The breakpoint of "user" or of "wide"; at most one of them is there. */
static struct perf_event *user_bp;
static struct perf_event * __percpu *wide_bp;

/* How often they were hit, on any CPU. */
static atomic_long_t target_hits;

/* The kprobe of "probe". */
static struct kprobe target_probe;

/* What "masks" notes: see "mask". */
static DEFINE_PER_CPU(u64 [HBP_NUM], target_masks);
static struct kprobe mask_probe, sleep_probe, parse_probe;

/* Whether "bpext" has set a flag that the CPU doesn't have. */
static bool bpext_forced;

/* The answer to "sym" and the like. */
static unsigned long target_result;

static unsigned long (*lookup_name)(const char *name);
static bool (*is_used)(void);

static struct dentry *target_dir;

/* === Accesses === */

static noinline notrace void target_func(void)
{
	barrier();
}

/* One instruction in a function that a kprobe can be put in. */
static noinline void store_8(u64 value)
{
	asm volatile("movq %1, %0" : "=m"(target_var) : "r"(value));
}

static int do_stores(unsigned long n, unsigned int width)
{
	unsigned long i;

	for (i = 0; i < n; i++) {
		switch (width) {
		case 1:
			WRITE_ONCE(*(u8 *)&target_var, i);
			break;
		case 2:
			WRITE_ONCE(*(u16 *)&target_var, i);
			break;
		case 4:
			WRITE_ONCE(*(u32 *)&target_var, i);
			break;
		case 8:
			store_8(i);
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

static int do_loads(unsigned long n, unsigned int width)
{
	unsigned long i;

	for (i = 0; i < n; i++) {
		switch (width) {
		case 1:
			(void)READ_ONCE(*(u8 *)&target_var);
			break;
		case 2:
			(void)READ_ONCE(*(u16 *)&target_var);
			break;
		case 4:
			(void)READ_ONCE(*(u32 *)&target_var);
			break;
		case 8:
			(void)READ_ONCE(target_var);
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

static int do_calls(unsigned long n)
{
	while (n--)
		target_func();
	return 0;
}

/* === Objects === */

/* For who wants to know what becomes of one among many. */
struct target_object {
	u64	id;
	u64	value;
};

static struct target_object **objects;
static unsigned int nr_objects;

/* A kprobe finds the object in the first argument. */
static noinline void touch_object(struct target_object *object, u64 value)
{
	WRITE_ONCE(object->value, value);
}

static void free_objects(void)
{
	while (nr_objects)
		kfree(objects[--nr_objects]);
	kvfree(objects);
	objects = NULL;
}

static int do_objects(unsigned int nr)
{
	free_objects();
	objects = kvcalloc(nr, sizeof(*objects), GFP_KERNEL);
	if (!objects)
		return -ENOMEM;
	for (; nr_objects < nr; nr_objects++) {
		objects[nr_objects] = kzalloc(sizeof(**objects), GFP_KERNEL);
		if (!objects[nr_objects])
			return -ENOMEM;
		objects[nr_objects]->id = nr_objects;
	}
	return 0;
}

static int do_touch(u64 value)
{
	unsigned int i;

	for (i = 0; i < nr_objects; i++)
		touch_object(objects[i], value);
	for (i = 0; i < nr_objects; i++)
		WRITE_ONCE(objects[i]->value, value + 1);
	return 0;
}

/* === Breakpoints === */

static void count_hit(struct perf_event *bp, struct perf_sample_data *data, struct pt_regs *regs)
{
	atomic_long_inc(&target_hits);
}

static void target_attr(struct perf_event_attr *attr, unsigned int type, u64 addr, u64 len)
{
	hw_breakpoint_init(attr);
	attr->bp_type = type;
	attr->bp_addr = addr;
	attr->bp_len = len;
}

static int do_user(pid_t nr, unsigned int type, u64 addr, u64 len)
{
	struct task_struct *task;
	struct perf_event_attr attr;
	struct perf_event *bp;

	if (user_bp || wide_bp)
		return -EBUSY;
	task = get_pid_task(find_vpid(nr), PIDTYPE_PID);
	if (!task)
		return -ESRCH;
	target_attr(&attr, type, addr, len);
	bp = register_user_hw_breakpoint(&attr, count_hit, NULL, task);
	put_task_struct(task);
	if (IS_ERR(bp))
		return PTR_ERR(bp);
	user_bp = bp;
	return 0;
}

static int do_wide(unsigned int type, u64 addr, u64 len)
{
	struct perf_event_attr attr;
	struct perf_event * __percpu *bp;

	if (user_bp || wide_bp)
		return -EBUSY;
	target_attr(&attr, type, addr, len);
	bp = register_wide_hw_breakpoint(&attr, count_hit, NULL);
	if (IS_ERR_PCPU(bp))
		return PTR_ERR_PCPU(bp);
	wide_bp = bp;
	return 0;
}

static int do_modify(unsigned int type, u64 addr, u64 len)
{
	struct perf_event_attr attr;

	if (!user_bp)
		return -ENOENT;
	attr = user_bp->attr;
	attr.bp_type = type;
	attr.bp_addr = addr;
	attr.bp_len = len;
	return modify_user_hw_breakpoint(user_bp, &attr);
}

/* === Stores in odd contexts === */

static void store_in_irq(void *n)
{
	do_stores(*(unsigned long *)n, 8);
}

static int do_irq(unsigned long n)
{
	on_each_cpu(store_in_irq, &n, true);
	return 0;
}

static int store_in_int3(struct kprobe *kp, struct pt_regs *regs)
{
	WARN_ON_ONCE(!in_nmi());
	store_8(target_var + 1);
	return 0;
}

/* === Code that changes === */

static int probe_nothing(struct kprobe *kp, struct pt_regs *regs)
{
	return 0;
}

/* With one the kprobe stays a breakpoint instruction: it isn't made a jump at leisure. */
static void probe_nothing_after(struct kprobe *kp, struct pt_regs *regs, unsigned long flags)
{
}

static void end_probe(struct kprobe *kp)
{
	if (kp->addr)
		unregister_kprobe(kp);
	memset(kp, 0, sizeof(*kp));
}

static int do_int3(unsigned long n)
{
	int err;

	end_probe(&target_probe);
	target_probe.addr = (void *)target_func;
	target_probe.pre_handler = store_in_int3;
	target_probe.post_handler = probe_nothing_after;
	err = register_kprobe(&target_probe);
	if (err)
		target_probe.addr = NULL;
	else
		do_calls(n);
	end_probe(&target_probe);
	return err;
}

static int do_probe(unsigned long addr)
{
	int err;

	end_probe(&target_probe);
	if (!addr)
		return 0;
	target_probe.addr = (void *)addr;
	target_probe.pre_handler = probe_nothing;
	target_probe.post_handler = probe_nothing_after;
	err = register_kprobe(&target_probe);
	if (err)
		memset(&target_probe, 0, sizeof(target_probe));
	return err;
}

/* === AMD's address masks === */

/* Before amd_set_dr_addr_mask(mask, register). */
static int note_mask(struct kprobe *kp, struct pt_regs *regs)
{
	unsigned long reg = regs_get_kernel_argument(regs, 1);
	u64 *noted = this_cpu_ptr(target_masks);

	if (reg < HBP_NUM)
		noted[reg] = noted[reg] << 32 | (u32)regs_get_kernel_argument(regs, 0);
	return 0;
}

static void forget_masks(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(target_masks, cpu), 0xff, sizeof(target_masks));
}

/* The last CPU is about to stop. */
static int before_sleep(struct kprobe *kp, struct pt_regs *regs)
{
	forget_masks();
	return 0;
}

static int start_probe(struct kprobe *kp, const char *symbol, kprobe_pre_handler_t handler)
{
	int err;

	kp->symbol_name = symbol;
	kp->pre_handler = handler;
	err = register_kprobe(kp);
	if (err)
		memset(kp, 0, sizeof(*kp));
	return err;
}

static int do_masks(int on)
{
	end_probe(&mask_probe);
	end_probe(&sleep_probe);
	forget_masks();
	if (!on)
		return 0;
	return start_probe(&mask_probe, "amd_set_dr_addr_mask", note_mask) ?:
	       start_probe(&sleep_probe, "save_processor_state", before_sleep);
}

static int do_mask(int cpu, unsigned int reg)
{
	if (cpu < 0 || cpu >= nr_cpu_ids || !cpu_possible(cpu) || reg >= HBP_NUM)
		return -EINVAL;
	target_result = per_cpu(target_masks, cpu)[reg];
	return 0;
}

/*
 * Only what is decided at run time looks there: amd_set_dr_addr_mask() was told by the CPU
 * itself whether there are registers for the masks, and writes none where there aren't.
 */
static void force_bpext(void)
{
	if (!test_and_set_bit(X86_FEATURE_BPEXT, (unsigned long *)boot_cpu_data.x86_capability))
		bpext_forced = true;
}

/* A CPU that comes online without it has taken it from boot_cpu_data. */
static int before_parse(struct kprobe *kp, struct pt_regs *regs)
{
	force_bpext();
	return 0;
}

static int do_bpext(int on)
{
	end_probe(&parse_probe);
	if (on) {
		force_bpext();
		/* On Linux's own layer, without this function, no CPU asks again. */
		start_probe(&parse_probe, "arch_hw_breakpoint_objection", before_parse);
	} else if (bpext_forced) {
		clear_bit(X86_FEATURE_BPEXT, (unsigned long *)boot_cpu_data.x86_capability);
		bpext_forced = false;
	}
	return 0;
}

static int do_drop(void)
{
	do_probe(0);
	do_masks(0);
	do_bpext(0);
	if (user_bp)
		unregister_hw_breakpoint(user_bp);
	if (wide_bp)
		unregister_wide_hw_breakpoint(wide_bp);
	user_bp = NULL;
	wide_bp = NULL;
	atomic_long_set(&target_hits, 0);
	return 0;
}

/* === Commands === */

static int do_symbol(const char *name, int cpu)
{
	unsigned long addr = lookup_name(name);

	if (!addr)
		return -ENOENT;
	if (cpu >= 0) {
		if (cpu >= nr_cpu_ids)
			return -EINVAL;
		addr = (unsigned long)per_cpu_ptr((void __percpu *)addr, cpu);
	}
	target_result = addr;
	return 0;
}

static int do_long(const char *name)
{
	unsigned long *var = (unsigned long *)lookup_name(name);

	if (!var)
		return -ENOENT;
	target_result = READ_ONCE(*var);
	return 0;
}

static int run_command(const char *text)
{
	unsigned long n;
	unsigned int width, type;
	u64 addr, len;
	char name[64];
	int nr;

	if (sscanf(text, "w %lu %u", &n, &width) == 2)
		return do_stores(n, width);
	if (sscanf(text, "r %lu %u", &n, &width) == 2)
		return do_loads(n, width);
	if (sscanf(text, "x %lu", &n) == 1)
		return do_calls(n);
	if (sscanf(text, "irq %lu", &n) == 1)
		return do_irq(n);
	if (sscanf(text, "int3 %lu", &n) == 1)
		return do_int3(n);
	if (sscanf(text, "objects %u", &width) == 1)
		return do_objects(width);
	if (sscanf(text, "touch %llu", &addr) == 1)
		return do_touch(addr);
	if (sscanf(text, "user %d %u %llx %llu", &nr, &type, &addr, &len) == 4)
		return do_user(nr, type, addr, len);
	if (sscanf(text, "wide %u %llx %llu", &type, &addr, &len) == 3)
		return do_wide(type, addr, len);
	if (sscanf(text, "modify %u %llx %llu", &type, &addr, &len) == 3)
		return do_modify(type, addr, len);
	if (sscanf(text, "probe %lx", &n) == 1)
		return do_probe(n);
	if (sscanf(text, "bpext %d", &nr) == 1)
		return do_bpext(nr);
	if (sscanf(text, "masks %d", &nr) == 1)
		return do_masks(nr);
	if (sscanf(text, "mask %d %u", &nr, &width) == 2)
		return do_mask(nr, width);
	if (sscanf(text, "long %63s", name) == 1)
		return do_long(name);
	if (sscanf(text, "sym %63s", name) == 1)
		return do_symbol(name, -1);
	if (sscanf(text, "percpu %63s %d", name, &nr) == 2)
		return do_symbol(name, nr);
	if (!strncmp(text, "drop", 4))
		return do_drop();
	return -EINVAL;
}

DEFINE_CTL_FOPS(&target_lock, run_command);

static int status_show(struct seq_file *m, void *unused)
{
	mutex_lock(&target_lock);
	seq_printf(m, "var 0x%lx\n", (unsigned long)&target_var);
	seq_printf(m, "func 0x%lx\n", (unsigned long)target_func);
	seq_printf(m, "result 0x%lx\n", target_result);
	seq_printf(m, "hits %ld\n", atomic_long_read(&target_hits));
	seq_printf(m, "used %d\n", is_used());
	mutex_unlock(&target_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

/* kallsyms_lookup_name() is not exported; a kprobe's address is the way to it. */
static int find_symbols(void)
{
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };
	int err = register_kprobe(&kp);

	if (err)
		return err;
	lookup_name = (void *)kp.addr;
	unregister_kprobe(&kp);
	is_used = (void *)lookup_name("hw_breakpoint_is_used");
	return is_used ? 0 : -ENOENT;
}

static int __init target_init(void)
{
	int err = find_symbols();

	if (err)
		return err;
	target_dir = debugfs_create_dir("hw_breakpoint_target", NULL);
	debugfs_create_file("ctl", 0200, target_dir, NULL, &ctl_fops);
	debugfs_create_file("status", 0400, target_dir, NULL, &status_fops);
	return 0;
}

static void __exit target_exit(void)
{
	debugfs_remove(target_dir);
	do_drop();
	free_objects();
}

module_init(target_init);
module_exit(target_exit);
MODULE_DESCRIPTION("Target of the hardware breakpoint selftests");
MODULE_LICENSE("GPL");
