/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The debug registers at a guest's entry and exit: the host's breakpoints are off while
 * a guest runs, and only what it may have changed is written again afterwards.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */
#ifndef __KVM_X86_HW_BREAKPOINT_H
#define __KVM_X86_HW_BREAKPOINT_H

#include <linux/kvm_host.h>

#include <asm/debugreg.h>

/*
 * A guest that uses debug registers, or is debugged, gets its own. The accesses of other guests
 * trap, so for them it is enough that nothing is armed. What a guest with protected state does with
 * the registers is its secret: the host must not trust them afterwards, whether it watches or not.
 *
 * Interrupts stay off until kvm_hw_breakpoint_exit().
 */
static __always_inline void kvm_hw_breakpoint_enter(const struct kvm_vcpu *vcpu)
{
	if (unlikely(vcpu->arch.guest_state_protected))
		hw_breakpoint_guest_enter_protected();
	else if (unlikely(vcpu->arch.switch_db_regs))
		hw_breakpoint_guest_enter(vcpu->arch.eff_db);
	else if (unlikely(hw_breakpoint_active()))
		hw_breakpoint_guest_enter(NULL);
}

/*
 * After KVM has read what the guest left in the debug registers. An NMI's debugger may have armed
 * the first breakpoint since the entry, and the exit zeroed DR7.
 */
static __always_inline void kvm_hw_breakpoint_exit(void)
{
	if (unlikely(hw_breakpoint_active() || this_cpu_read(cpu_dr7_held) & CPU_DR7_GUEST))
		hw_breakpoint_guest_exit();
}

#endif /* __KVM_X86_HW_BREAKPOINT_H */
