// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host's breakpoints beside KVM guests, which have debug registers of their own: each side
 * counts its own accesses, all of them, and sees nothing of the other's.
 *
 * The guests run in long mode in 4 MiB of our memory, which they have at the addresses where
 * we have it. So the same number in an address register means the same byte to both sides,
 * and a register that is not switched is a hit too many.
 *
 * HWBP_KVM_EXITS is how often a guest is left and entered (2000).
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include "hwbp.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>

/* === A machine === */

/* Where memory is, for us and for the guest: above the 1 GiB in which our heap may begin. */
#define MEM 0x60000000ul
#define MEM_SIZE 0x400000ul
/* The second half is only there to stand for a page of the kernel's. */
#define ALIAS (MEM + MEM_SIZE / 2)

enum page {
	PAGE_TABLES,			/* five of them */
	PAGE_GDT = PAGE_TABLES + 5,
	PAGE_IDT,
	PAGE_TSS,
	PAGE_CODE,
	PAGE_VCPU,			/* one for each vCPU */
};

#define PAGE(n) (MEM + (n) * 0x1000ul)
#define VCPUS 2
#define CALL_SIZE 5
#define PORT 0x10

#define HUGE_SHIFT 21
#define PTE_RW 3
#define PTE_HUGE 0x80

#define DR7_NONE 0x400ul
#define DR6_NONE 0xffff0ff0ul
#define DR6_BS 0x4000ul

/* R/W and LEN as DR7 encodes them. */
#define DR7_X 0
#define DR7_W 1
#define DR7_RW 3
#define DR7_LEN4 3
#define DR7_LEN8 2

/* The bits of DR7 for address register @n: globally enabled. */
static uint64_t dr7_bits(int n, unsigned int rw, unsigned int len)
{
	return 2ul << 2 * n | (uint64_t)(rw | len << 2) << (16 + 4 * n);
}

/*
 * What a vCPU and we tell each other: its page; the rest of it is its stack. A guest has
 * the address in RBX.
 */
struct shared {
	/* What it loads when it begins, and again at each turn when reload is set. */
	uint64_t dr[4], dr7, reload;
	/* Stores to *RDI at each turn, and more of them with DR7 empty. */
	uint64_t stores, off_stores;
	/* What it reads from its registers at the end of a turn. */
	uint64_t got[4], got7;
	/* Of its handler: hits, by register; what DR6 said beyond these. */
	uint64_t hits, each[4], odd_dr6;
	uint64_t var[8] __attribute__((aligned(64)));
};

struct vcpu {
	int fd;
	struct kvm_run *run;
	volatile struct shared *page;
};

struct vm {
	int kvm, fd, run_size;
	struct vcpu vcpu[VCPUS];
};

/* === The guests === */

/*
 * Position-independent code, copied to PAGE_CODE. Each turn of a guest ends with one exit.
 * RBX: struct shared. RDI: what is accessed. RSI: a function that is called.
 */
static __attribute__((noinline, used)) void guest_code(void)
{
	asm volatile("guests:\n"
		     /* only leaves */
		     "guest_out:\n"
		     "1:	out %%al, %[port]\n"
		     "	jmp 1b\n"

		     /* accesses, no debug register */
		     "guest_touch:\n"
		     "	call guest_access\n"
		     "	out %%al, %[port]\n"
		     "	jmp guest_touch\n"

		     /* a store, a load and a count each; then the call */
		     "guest_access:\n"
		     "	mov %c[stores](%%rbx), %%rcx\n"
		     "	jrcxz 2f\n"
		     "1:	movl $1, (%%rdi)\n"
		     "guest_stored:\n"
		     "	mov (%%rdi), %%eax\n"
		     "	loop 1b\n"
		     "2:	call *%%rsi\n"
		     "	ret\n"

		     /* debug registers of its own */
		     "guest_own:\n"
		     "	call guest_load\n"
		     "1:	cmpq $0, %c[reload](%%rbx)\n"
		     "	je 2f\n"
		     "	call guest_load\n"
		     "2:	call guest_access\n"
		     "	call guest_read\n"
		     "	out %%al, %[port]\n"
		     "	jmp 1b\n"

		     /* the same, on and off at each turn */
		     "guest_toggle:\n"
		     "	call guest_load\n"
		     "1:	mov %c[dr7](%%rbx), %%rax\n"
		     "	mov %%rax, %%db7\n"
		     "	call guest_access\n"
		     "	mov $0x400, %%eax\n"
		     "	mov %%rax, %%db7\n"
		     "	mov %c[off_stores](%%rbx), %%rcx\n"
		     "2:	movl $1, (%%rdi)\n"
		     "	loop 2b\n"
		     "	call guest_read\n"
		     "	out %%al, %[port]\n"
		     "	jmp 1b\n"

		     "guest_load:\n"
		     "	mov %c[dr0](%%rbx), %%rax\n"
		     "	mov %%rax, %%db0\n"
		     "	mov %c[dr0]+8(%%rbx), %%rax\n"
		     "	mov %%rax, %%db1\n"
		     "	mov %c[dr0]+16(%%rbx), %%rax\n"
		     "	mov %%rax, %%db2\n"
		     "	mov %c[dr0]+24(%%rbx), %%rax\n"
		     "	mov %%rax, %%db3\n"
		     "	mov %c[dr7](%%rbx), %%rax\n"
		     "	mov %%rax, %%db7\n"
		     "	ret\n"

		     "guest_read:\n"
		     "	mov %%db0, %%rax\n"
		     "	mov %%rax, %c[got0](%%rbx)\n"
		     "	mov %%db1, %%rax\n"
		     "	mov %%rax, %c[got0]+8(%%rbx)\n"
		     "	mov %%db2, %%rax\n"
		     "	mov %%rax, %c[got0]+16(%%rbx)\n"
		     "	mov %%db3, %%rax\n"
		     "	mov %%rax, %c[got0]+24(%%rbx)\n"
		     "	mov %%db7, %%rax\n"
		     "	mov %%rax, %c[got7](%%rbx)\n"
		     "	ret\n"

		     /* eight instructions of one byte, to be stepped through */
		     "guest_step:\n"
		     "	.fill 8, 1, 0x90\n"
		     "	out %%al, %[port]\n"
		     "	jmp guest_step\n"

		     /* callable by both sides */
		     "guest_func:\n"
		     "	nop\n"
		     "	ret\n"

		     /* #DB: RF is set so that an execution breakpoint is stepped over */
		     "guest_db:\n"
		     "	push %%rax\n"
		     "	push %%rdx\n"
		     "	incq %c[hits](%%rbx)\n"
		     "	mov %%db6, %%rax\n"
		     "	mov $0xffff0ff0, %%edx\n"
		     "	mov %%rdx, %%db6\n"
		     "	xor %%rdx, %%rax\n"
		     "	btr $0, %%rax\n"
		     "	adcq $0, %c[each0](%%rbx)\n"
		     "	btr $1, %%rax\n"
		     "	adcq $0, %c[each0]+8(%%rbx)\n"
		     "	btr $2, %%rax\n"
		     "	adcq $0, %c[each0]+16(%%rbx)\n"
		     "	btr $3, %%rax\n"
		     "	adcq $0, %c[each0]+24(%%rbx)\n"
		     "	or %%rax, %c[odd_dr6](%%rbx)\n"
		     "	pop %%rdx\n"
		     "	pop %%rax\n"
		     "	orl $0x10000, 16(%%rsp)\n"
		     "	iretq\n"
		     "guests_end:\n"
		     : : [port] "i"(PORT), [dr0] "i"(offsetof(struct shared, dr)),
		     [got0] "i"(offsetof(struct shared, got)),
		     [each0] "i"(offsetof(struct shared, each)),
		     [dr7] "i"(offsetof(struct shared, dr7)),
		     [reload] "i"(offsetof(struct shared, reload)),
		     [stores] "i"(offsetof(struct shared, stores)),
		     [off_stores] "i"(offsetof(struct shared, off_stores)),
		     [got7] "i"(offsetof(struct shared, got7)),
		     [hits] "i"(offsetof(struct shared, hits)),
		     [odd_dr6] "i"(offsetof(struct shared, odd_dr6)));
}

/* Where a label is in the guest. */
#define GUEST(label) ({								\
	uint64_t at;								\
	asm("mov $" #label " - guests + %c1, %0" : "=r"(at) : "i"(PAGE(PAGE_CODE)));	\
	at;									\
})

/* === Making one === */

static uint64_t *table(enum page n)
{
	return (uint64_t *)PAGE(n);
}

/* Maps 2 MiB at @virt to @phys; the upper half of the addresses has tables of its own. */
static void map_huge(uint64_t virt, uint64_t phys)
{
	int level1 = virt >> 63 ? PAGE_TABLES + 3 : PAGE_TABLES + 1, level2 = level1 + 1;

	table(PAGE_TABLES)[virt >> 39 & 511] = PAGE(level1) | PTE_RW;
	table(level1)[virt >> 30 & 511] = PAGE(level2) | PTE_RW;
	table(level2)[virt >> HUGE_SHIFT & 511] = phys | PTE_RW | PTE_HUGE;
}

static void fill_memory(void)
{
	uint64_t db = GUEST(guest_db), *idt = table(PAGE_IDT);
	const void *code;

	memset((void *)MEM, 0, MEM_SIZE);
	asm("mov $guests, %0" : "=r"(code));
	memcpy((void *)PAGE(PAGE_CODE), code, GUEST(guests_end) - GUEST(guests));
	map_huge(MEM, MEM);
	table(PAGE_GDT)[1] = 0x00af9b000000ffff;
	table(PAGE_GDT)[2] = 0x00cf93000000ffff;
	/* vector 1, an interrupt gate of code segment 8 */
	idt[2] = (db & 0xffff) | 8ul << 16 | 0x8eul << 40 | (db >> 16 & 0xffff) << 48;
	idt[3] = db >> 32;
}

static int make_vcpu(struct vm *vm, int n, const struct kvm_cpuid2 *cpuid)
{
	struct kvm_segment code = {
		.selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1, .limit = ~0,
	}, data = {
		.selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1, .limit = ~0,
	}, tss = {
		.selector = 24, .type = 11, .present = 1, .limit = 0x67, .base = PAGE(PAGE_TSS),
	};
	struct vcpu *vcpu = &vm->vcpu[n];
	struct kvm_sregs sregs;

	vcpu->page = (struct shared *)PAGE(PAGE_VCPU + n);
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, n);
	if (vcpu->fd < 0 || ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		return -errno;
	vcpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.cs = code;
	sregs.ds = data;
	sregs.es = data;
	sregs.fs = data;
	sregs.gs = data;
	sregs.ss = data;
	sregs.tr = tss;
	sregs.gdt.base = PAGE(PAGE_GDT);
	sregs.gdt.limit = 3 * 8 - 1;
	sregs.idt.base = PAGE(PAGE_IDT);
	sregs.idt.limit = 2 * 16 - 1;
	sregs.cr0 = 0x80010033;		/* PG, WP, NE, ET, MP, PE */
	sregs.cr3 = PAGE(PAGE_TABLES);
	sregs.cr4 = 0x20;		/* PAE */
	sregs.efer = 0x500;		/* LMA, LME */
	return ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) ? -errno : 0;
}

/* 0 or the negated errno of what could not be had. */
static int make_vm(struct vm *vm)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = MEM, .memory_size = MEM_SIZE, .userspace_addr = MEM,
	};
	uint64_t identity = 0xfffbc000;
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} cpuid;
	int n, err;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return -errno;
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return -errno;
	if (mmap((void *)MEM, MEM_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)MEM)
		return -errno;
	fill_memory();
	/* what Intel's need for a guest in real mode */
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) ||
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, identity + 0x1000) ||
	    ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return -errno;
	memset(&cpuid, 0, sizeof(cpuid));
	cpuid.head.nent = 256;
	vm->run_size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vm->run_size < 0 || ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid))
		return -errno;
	for (n = 0; n < VCPUS; n++) {
		err = make_vcpu(vm, n, &cpuid.head);
		if (err)
			return err;
	}
	return 0;
}

/* Puts a vCPU at the start of a guest. */
static int start(struct vcpu *vcpu, uint64_t guest, uint64_t data, uint64_t func)
{
	struct kvm_regs regs = {
		.rip = guest,
		.rsp = (uintptr_t)vcpu->page + 0x1000,
		.rbx = (uintptr_t)vcpu->page,
		.rdi = data,
		.rsi = func,
		.rflags = 2,
	};

	return ioctl(vcpu->fd, KVM_SET_REGS, &regs) ? -errno : 0;
}

/* Until the guest leaves to us: why it did. */
static uint32_t run(struct vcpu *vcpu)
{
	int err;

	do {
		err = ioctl(vcpu->fd, KVM_RUN, 0);
	} while (err && (errno == EINTR || errno == EAGAIN));
	return err ? KVM_EXIT_UNKNOWN : vcpu->run->exit_reason;
}

/* One turn, to its exit. */
static bool turn(struct vcpu *vcpu)
{
	uint32_t why = run(vcpu);

	if (why == KVM_EXIT_IO && vcpu->run->io.port == PORT)
		return true;
	ksft_print_msg("exit %u, hardware's reason %llx, errno %d\n", why,
		       vcpu->run->hw.hardware_exit_reason, errno);
	return false;
}

/* Ends an exit's instruction without entering the guest. */
static bool finish_exit(struct vcpu *vcpu)
{
	int err;

	vcpu->run->immediate_exit = 1;
	err = ioctl(vcpu->fd, KVM_RUN, 0);
	vcpu->run->immediate_exit = 0;
	return err && errno == EINTR;
}

static bool move_rip(struct vcpu *vcpu, int by)
{
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs))
		return false;
	regs.rip += by;
	return !ioctl(vcpu->fd, KVM_SET_REGS, &regs);
}

/* What the guest loads; @dr7 is what it enables. */
static void give(struct vcpu *vcpu, uint64_t dr0, uint64_t dr1, uint64_t dr2, uint64_t dr3,
		 uint64_t dr7)
{
	vcpu->page->dr[0] = dr0;
	vcpu->page->dr[1] = dr1;
	vcpu->page->dr[2] = dr2;
	vcpu->page->dr[3] = dr3;
	vcpu->page->dr7 = DR7_NONE | dr7;
}

/* Whether it read the addresses that it had loaded, and @dr7. */
static bool has_its_own(struct vcpu *vcpu, uint64_t dr7)
{
	int i;

	for (i = 0; i < 4; i++)
		if (vcpu->page->got[i] != vcpu->page->dr[i])
			return false;
	return vcpu->page->got7 == dr7;
}

/* === The host's side === */

static volatile uint64_t vars[8] __attribute__((aligned(64)));

static __attribute__((noinline)) void host_func(void)
{
	asm volatile("" ::: "memory");
}

#define HOST_FUNC ((uintptr_t)host_func)

/* After each exit the host makes so many accesses. */
#define EACH 3

static void host_calls(uintptr_t func, int n)
{
	while (n--)
		((void (*)(void))func)();
}

static unsigned int exits(void)
{
	return env_number("HWBP_KVM_EXITS", 2000);
}

/* How many watchpoints the host may have armed on a CPU of this machine. */
static int host_watches(void)
{
	return dr6_faithful() ? HWBP_NUM : 1;
}

/*
 * Whether a guest's DR7 is in effect. QEMU's TCG has VMRUN load it, and the exit put the
 * host's back, without arming or disarming what it says; after that it can crash.
 */
static bool guest_dr7_works(void)
{
	const char *env = getenv("HWBP_GUEST_DR7");

	return env ? *env == '1' : !cpuinfo_has("QEMU TCG");
}

#define NEED_GUEST_DR7() \
	NEED(guest_dr7_works(), "QEMU TCG's VMRUN loads DR7 without arming anything")

#define NEED_KVM() \
	NEED(!access("/dev/kvm", R_OK | W_OK), "no /dev/kvm: kvm-amd or kvm-intel not loaded")

FIXTURE(kvm)
{
	struct vm vm;
	struct vcpu *cpu;
	struct shared *page;
};

FIXTURE_SETUP(kvm)
{
	NEED_KVM();
	ASSERT_EQ(0, pin_to(0));
	ASSERT_EQ(0, make_vm(&self->vm));
	self->cpu = &self->vm.vcpu[0];
	self->page = (struct shared *)self->cpu->page;
}

/* The guest's end is that of the process. */
FIXTURE_TEARDOWN(kvm)
{
}

#define LONG 300

/* === Guests that have no use for debug registers === */

/* Nobody watches: the machine itself. */
TEST_F_TIMEOUT(kvm, runs, LONG)
{
	unsigned int n = exits(), i;

	self->page->stores = EACH;
	ASSERT_EQ(0, start(self->cpu, GUEST(guest_touch), addr_of(self->page->var),
			   GUEST(guest_func)));
	for (i = 0; i < n; i++)
		ASSERT_TRUE(turn(self->cpu));
	EXPECT_EQ(1, self->page->var[0]);
	EXPECT_EQ(0, self->page->hits);
}

/* @n watchpoints of the host, opened for @pid on @cpu; stores after each exit. */
static void count_stores(struct __test_metadata *_metadata, struct vcpu *vcpu, int n, pid_t pid,
			 int cpu)
{
	unsigned int turns = exits(), i;
	int fd[HWBP_NUM], j;

	for (j = 0; j < n; j++) {
		fd[j] = bp_open(BP_W, addr_of(vars + j), 8, pid, cpu);
		ASSERT_GE(fd[j], 0);
	}
	ASSERT_EQ(0, start(vcpu, GUEST(guest_out), 0, 0));
	for (i = 0; i < turns; i++) {
		ASSERT_TRUE(turn(vcpu));
		for (j = 0; j < n; j++)
			stores(vars + j, 4, EACH + j);
	}
	for (j = 0; j < n; j++) {
		EXPECT_EQ(turns * (EACH + j), bp_count(fd[j]))
			TH_LOG("watchpoint %d", j);
		close(fd[j]);
	}
}

TEST_F_TIMEOUT(kvm, watch_of_task, LONG)
{
	count_stores(_metadata, self->cpu, 1, 0, -1);
}

TEST_F_TIMEOUT(kvm, watch_of_cpu, LONG)
{
	count_stores(_metadata, self->cpu, 1, -1, 0);
}

TEST_F_TIMEOUT(kvm, four_watches_of_task, LONG)
{
	NEED_DR6();
	count_stores(_metadata, self->cpu, HWBP_NUM, 0, -1);
}

TEST_F_TIMEOUT(kvm, four_watches_of_cpu, LONG)
{
	NEED_DR6();
	count_stores(_metadata, self->cpu, HWBP_NUM, -1, 0);
}

TEST_F_TIMEOUT(kvm, host_executes, LONG)
{
	unsigned int n = exits(), i;
	int task = bp_open(BP_X, HOST_FUNC, 8, 0, -1), cpu = bp_open(BP_X, HOST_FUNC, 8, -1, 0);

	ASSERT_GE(task, 0);
	ASSERT_GE(cpu, 0);
	ASSERT_EQ(0, start(self->cpu, GUEST(guest_out), 0, 0));
	for (i = 0; i < n; i++) {
		ASSERT_TRUE(turn(self->cpu));
		host_calls(HOST_FUNC, EACH);
	}
	EXPECT_EQ(n * EACH, bp_count(task));
	EXPECT_EQ(n * EACH, bp_count(cpu));
}

/* The kernel's own stores, on the CPU that leaves the guest. */
TEST_F_TIMEOUT(kvm, kernel_watch, LONG)
{
	unsigned int n = exits(), i;

	NEED_TARGET();
	ASSERT_EQ(0, target("wide %u %llx 8", BP_W, (unsigned long long)target_value("var")));
	ASSERT_EQ(0, start(self->cpu, GUEST(guest_out), 0, 0));
	for (i = 0; i < n; i++) {
		ASSERT_TRUE(turn(self->cpu));
		ASSERT_EQ(0, target("w %d 8", EACH));
	}
	EXPECT_EQ(n * EACH, target_value("hits"));
	EXPECT_EQ(0, target("drop"));
}

/* Opened while the guest is away, closed while it is away: none is late, none is left. */
TEST_F_TIMEOUT(kvm, opened_between_exits, LONG)
{
	unsigned int n = exits(), i;
	int fd;

	ASSERT_EQ(0, start(self->cpu, GUEST(guest_out), 0, 0));
	for (i = 0; i < n / 2; i++) {
		fd = bp_open(BP_W, addr_of(vars), 4, i & 1 ? 0 : -1, i & 1 ? -1 : 0);
		ASSERT_GE(fd, 0);
		ASSERT_TRUE(turn(self->cpu));
		stores(vars, 4, EACH);
		ASSERT_EQ(EACH, bp_count(fd));
		close(fd);
		ASSERT_TRUE(turn(self->cpu));
		stores(vars, 4, EACH);
	}
	EXPECT_EQ(HWBP_NUM, free_slots(0, -1));
	EXPECT_EQ(HWBP_NUM, free_slots(-1, 0));
}

/*
 * The guest accesses the very bytes that the host watches, at the same linear address. A
 * guest's address is another one than the host's, though its number is the same, so none of
 * its accesses counts.
 */
static void guest_at(struct __test_metadata *_metadata, struct vcpu *vcpu, uint32_t type,
		     pid_t pid, int cpu)
{
	uint64_t data = addr_of(vcpu->page->var), func = GUEST(guest_func);
	unsigned int n = exits(), i;
	int fd = bp_open(type, type == BP_X ? func : data, 8, pid, cpu);

	ASSERT_GE(fd, 0);
	vcpu->page->stores = 5;
	ASSERT_EQ(0, start(vcpu, GUEST(guest_touch), data, func));
	for (i = 0; i < n; i++) {
		ASSERT_TRUE(turn(vcpu));
		ASSERT_EQ(1, vcpu->page->var[0] & 1);
		if (type == BP_X)
			host_calls(func, EACH);
		else
			stores(vcpu->page->var, 4, EACH);
	}
	/* BP_RW: the assertion's load is one more */
	EXPECT_EQ(n * (EACH + (type == BP_RW)), bp_count(fd));
	EXPECT_EQ(0, vcpu->page->hits);
	close(fd);
}

TEST_F_TIMEOUT(kvm, guest_writes_what_is_watched, LONG)
{
	guest_at(_metadata, self->cpu, BP_W, 0, -1);
	guest_at(_metadata, self->cpu, BP_W, -1, 0);
}

TEST_F_TIMEOUT(kvm, guest_reads_what_is_watched, LONG)
{
	guest_at(_metadata, self->cpu, BP_RW, 0, -1);
	guest_at(_metadata, self->cpu, BP_RW, -1, 0);
}

TEST_F_TIMEOUT(kvm, guest_executes_what_is_watched, LONG)
{
	guest_at(_metadata, self->cpu, BP_X, 0, -1);
	guest_at(_metadata, self->cpu, BP_X, -1, 0);
}

/* The same with an address of the kernel's, which the guest has mapped to its own memory. */
TEST_F_TIMEOUT(kvm, guest_writes_at_the_kernels_address, LONG)
{
	unsigned int n = exits(), i;
	uint64_t var;

	NEED_TARGET();
	var = target_value("var");
	map_huge(var, ALIAS);
	ASSERT_EQ(0, target("wide %u %llx 8", BP_W, (unsigned long long)var));
	self->page->stores = 5;
	ASSERT_EQ(0, start(self->cpu, GUEST(guest_touch), var, GUEST(guest_func)));
	for (i = 0; i < n; i++) {
		ASSERT_TRUE(turn(self->cpu));
		ASSERT_EQ(0, target("w %d 8", EACH));
	}
	EXPECT_EQ(n * EACH, target_value("hits"));
	EXPECT_EQ(0, self->page->hits);
	/* it was there */
	EXPECT_EQ(1, *(uint64_t *)(ALIAS + (var & ((1ul << HUGE_SHIFT) - 1))));
	EXPECT_EQ(0, target("drop"));
}

/* === Guests with debug registers of their own === */

/* A new guest has empty registers, whatever the host has in its. */
TEST_F_TIMEOUT(kvm, a_guest_begins_with_none, LONG)
{
	struct vcpu *vcpu = self->cpu;
	int fd[HWBP_NUM], i;

	for (i = 0; i < host_watches(); i++) {
		fd[i] = bp_open(BP_W, addr_of(vars + i), 8, -1, 0);
		ASSERT_GE(fd[i], 0);
	}
	for (; i < HWBP_NUM; i++) {
		fd[i] = bp_open(BP_X, HOST_FUNC, 8, -1, 0);
		ASSERT_GE(fd[i], 0);
	}
	/* behind guest_load: it reads what it never wrote */
	memset((void *)self->page->got, 0xff, sizeof(self->page->got));
	ASSERT_EQ(0, start(vcpu, GUEST(guest_own), addr_of(self->page->var), GUEST(guest_func)));
	ASSERT_TRUE(move_rip(vcpu, CALL_SIZE));
	for (i = 0; i < 100; i++) {
		ASSERT_TRUE(turn(vcpu));
		ASSERT_TRUE(has_its_own(vcpu, DR7_NONE));
		stores(vars, 4, EACH);
	}
	EXPECT_EQ(100 * EACH, bp_count(fd[0]));
	EXPECT_EQ(0, self->page->hits);
}

/* Once with addresses that the guest only keeps, once with two that it has armed. */
FIXTURE(own)
{
	struct vm vm;
	struct vcpu *cpu;
	volatile struct shared *page;
};

FIXTURE_VARIANT(own)
{
	bool armed;
};

FIXTURE_VARIANT_ADD(own, kept)
{
	.armed = false,
};

FIXTURE_VARIANT_ADD(own, armed)
{
	.armed = true,
};

FIXTURE_SETUP(own)
{
	NEED_KVM();
	if (variant->armed)
		NEED_GUEST_DR7();
	ASSERT_EQ(0, pin_to(0));
	ASSERT_EQ(0, make_vm(&self->vm));
	self->cpu = &self->vm.vcpu[0];
	self->page = self->cpu->page;
}

FIXTURE_TEARDOWN(own)
{
}

/* Stores of the guest to its variable at each turn; it calls its function once. */
#define GUEST_STORES 5

/* What both sides watch in the tests below. */
struct pair {
	uint64_t data, func;
	int fd_data, fd_func;
	unsigned int hits;	/* the guest's at each turn */
};

/*
 * Guest and host watch the guest's variable and its function; two more addresses the guest
 * only keeps, one of them is a variable of the host's.
 */
static bool both_watch(struct vcpu *vcpu, struct pair *p, bool armed, pid_t pid, int cpu)
{
	p->data = addr_of(vcpu->page->var);
	p->func = GUEST(guest_func);
	p->fd_data = bp_open(BP_W, p->data, 8, pid, cpu);
	p->fd_func = bp_open(BP_X, p->func, 8, pid, cpu);
	p->hits = armed ? GUEST_STORES + 1 : 0;
	give(vcpu, p->data, p->func, addr_of(vars), 0x123456789abcul,
	     armed ? dr7_bits(0, DR7_W, DR7_LEN8) | dr7_bits(1, DR7_X, 0) : 0);
	vcpu->page->stores = GUEST_STORES;
	return p->fd_data >= 0 && p->fd_func >= 0 &&
	       !start(vcpu, GUEST(guest_own), p->data, p->func);
}

static void host_accesses(struct pair *p)
{
	stores((void *)p->data, 4, EACH);
	stores(vars, 4, EACH);
	host_calls(p->func, EACH + 1);
}

/* What the host has counted of @n host_accesses(). */
static void expect_host(struct __test_metadata *_metadata, struct pair *p, unsigned int n)
{
	EXPECT_EQ(n * EACH, bp_count(p->fd_data));
	EXPECT_EQ(n * (EACH + 1), bp_count(p->fd_func));
}

/* What the guest has counted in @n turns. */
static void expect_guest(struct __test_metadata *_metadata, struct vcpu *vcpu, struct pair *p,
			 unsigned int n)
{
	volatile struct shared *page = vcpu->page;

	EXPECT_EQ(n * p->hits, page->hits);
	EXPECT_EQ(p->hits ? n * GUEST_STORES : 0, page->each[0]);
	EXPECT_EQ(p->hits ? n : 0, page->each[1]);
	EXPECT_EQ(0, page->each[2]);
	EXPECT_EQ(0, page->each[3]);
	EXPECT_EQ(0, page->odd_dr6);
}

static void beside(struct __test_metadata *_metadata, struct vcpu *vcpu, bool armed, pid_t pid,
		   int cpu)
{
	unsigned int n = exits(), i;
	struct kvm_debugregs regs;
	struct pair p;

	ASSERT_TRUE(both_watch(vcpu, &p, armed, pid, cpu));
	for (i = 1; i <= n; i++) {
		ASSERT_TRUE(turn(vcpu));
		ASSERT_EQ(i * p.hits, vcpu->page->hits);
		ASSERT_TRUE(has_its_own(vcpu, vcpu->page->dr7));
		host_accesses(&p);
	}
	expect_guest(_metadata, vcpu, &p, n);
	expect_host(_metadata, &p, n);
	ASSERT_EQ(0, ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &regs));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(vcpu->page->dr[i], regs.db[i]);
	EXPECT_EQ(vcpu->page->dr7, regs.dr7);
	EXPECT_EQ(DR6_NONE, regs.dr6);
}

TEST_F_TIMEOUT(own, beside_those_of_a_task, LONG)
{
	beside(_metadata, self->cpu, variant->armed, 0, -1);
}

TEST_F_TIMEOUT(own, beside_those_of_a_cpu, LONG)
{
	beside(_metadata, self->cpu, variant->armed, -1, 0);
}

/* Without a breakpoint of the host's: what the guest leaves in the registers is not live. */
TEST_F_TIMEOUT(own, alone, LONG)
{
	unsigned int n = exits(), i;
	struct pair p;

	ASSERT_TRUE(both_watch(self->cpu, &p, variant->armed, 0, -1));
	close(p.fd_data);
	close(p.fd_func);
	for (i = 1; i <= n; i++) {
		ASSERT_TRUE(turn(self->cpu));
		ASSERT_EQ(i * p.hits, self->page->hits);
		ASSERT_TRUE(has_its_own(self->cpu, self->page->dr7));
		/* a SIGTRAP if it were */
		host_accesses(&p);
	}
	expect_guest(_metadata, self->cpu, &p, n);
}

/* On and off within each turn. */
TEST_F_TIMEOUT(own, on_and_off, LONG)
{
	unsigned int n = exits(), i;
	struct pair p;

	ASSERT_TRUE(both_watch(self->cpu, &p, variant->armed, -1, 0));
	self->page->off_stores = 7;
	ASSERT_EQ(0, start(self->cpu, GUEST(guest_toggle), p.data, p.func));
	for (i = 1; i <= n; i++) {
		ASSERT_TRUE(turn(self->cpu));
		ASSERT_EQ(i * p.hits, self->page->hits);
		ASSERT_TRUE(has_its_own(self->cpu, DR7_NONE));
		host_accesses(&p);
	}
	expect_guest(_metadata, self->cpu, &p, n);
	expect_host(_metadata, &p, n);
}

/* Others at each turn; every fifth turn watches nothing. */
TEST_F_TIMEOUT(own, changing, LONG)
{
	unsigned int n = exits(), i, j, hits = 0;
	struct pair p;

	ASSERT_TRUE(both_watch(self->cpu, &p, variant->armed, -1, 0));
	self->page->reload = 1;
	for (i = 0; i < n; i++) {
		j = i % 4;
		give(self->cpu, i * 8, i * 8 + 1, i * 8 + 2, i * 8 + 3, 0);
		self->page->dr[j] = p.data;
		if (variant->armed && i % 5) {
			self->page->dr7 |= dr7_bits(j, DR7_W, DR7_LEN8);
			hits += GUEST_STORES;
		}
		ASSERT_TRUE(turn(self->cpu));
		ASSERT_EQ(hits, self->page->hits);
		ASSERT_TRUE(has_its_own(self->cpu, self->page->dr7));
		host_accesses(&p);
	}
	expect_host(_metadata, &p, n);
}

/* Four of the guest's, four of the host's, each in another register. */
TEST_F_TIMEOUT(kvm, four_and_four, LONG)
{
	volatile struct shared *page = self->page;
	unsigned int n = exits() / 4, i;
	int fd[HWBP_NUM], j;

	NEED_DR6();
	NEED_GUEST_DR7();
	for (j = 0; j < HWBP_NUM; j++) {
		fd[j] = bp_open(BP_W, addr_of(page->var + (j + 1) % 4), 8, -1, 0);
		ASSERT_GE(fd[j], 0);
	}
	give(self->cpu, addr_of(page->var), addr_of(page->var + 1), addr_of(page->var + 2),
	     addr_of(page->var + 3), dr7_bits(0, DR7_W, DR7_LEN8) | dr7_bits(1, DR7_RW, DR7_LEN8) |
	     dr7_bits(2, DR7_W, DR7_LEN4) | dr7_bits(3, DR7_RW, DR7_LEN4));
	page->stores = GUEST_STORES;
	for (j = 0; j < HWBP_NUM; j++) {
		ASSERT_EQ(0, start(self->cpu, GUEST(guest_own), addr_of(page->var + j),
				   GUEST(guest_func)));
		for (i = 0; i < n; i++) {
			ASSERT_TRUE(turn(self->cpu));
			ASSERT_TRUE(has_its_own(self->cpu, page->dr7));
			stores(page->var + j, 8, EACH);
		}
		ASSERT_TRUE(finish_exit(self->cpu));
		/* odd ones count loads, too */
		EXPECT_EQ(n * GUEST_STORES * (1 + (j & 1)), page->each[j]);
		EXPECT_EQ(n * EACH, bp_count(fd[(j + 3) % 4]));
	}
	EXPECT_EQ(0, page->odd_dr6);
}

/* === Guests that are debugged from outside === */

static bool debug(struct vcpu *vcpu, uint32_t control, int n, uint64_t addr, uint64_t dr7)
{
	struct kvm_guest_debug d;

	memset(&d, 0, sizeof(d));
	d.control = control;
	if (control & KVM_GUESTDBG_USE_HW_BP) {
		d.arch.debugreg[n] = addr;
		d.arch.debugreg[7] = DR7_NONE | dr7;
	}
	return !ioctl(vcpu->fd, KVM_SET_GUEST_DEBUG, &d);
}

#define HW_BP (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP)
#define STEPS (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP)

/* The next exit is a #DB at @pc that says @dr6. */
static bool debug_exit(struct vcpu *vcpu, uint64_t pc, uint64_t dr6)
{
	struct kvm_debug_exit_arch *at = &vcpu->run->debug.arch;

	if (run(vcpu) != KVM_EXIT_DEBUG) {
		ksft_print_msg("exit %u, no KVM_EXIT_DEBUG\n", vcpu->run->exit_reason);
		return false;
	}
	if (at->exception == 1 && at->pc == pc && at->dr6 == dr6)
		return true;
	ksft_print_msg("exception %u at %llx, DR6 %llx, instead of 1 at %llx, %llx\n",
		       at->exception, at->pc, at->dr6, (unsigned long long)pc,
		       (unsigned long long)dr6);
	return false;
}

TEST_F_TIMEOUT(kvm, debug_execution, LONG)
{
	unsigned int n = exits() / 4, i;
	struct pair p;
	int j;

	NEED_GUEST_DR7();
	ASSERT_TRUE(both_watch(self->cpu, &p, false, -1, 0));
	for (j = 0; j < 4; j++) {
		ASSERT_EQ(0, start(self->cpu, GUEST(guest_touch), p.data, p.func));
		ASSERT_TRUE(debug(self->cpu, HW_BP, j, p.func, dr7_bits(j, DR7_X, 0)));
		for (i = 0; i < n; i++) {
			ASSERT_TRUE(debug_exit(self->cpu, p.func, DR6_NONE | 1ul << j));
			EXPECT_EQ(DR7_NONE | dr7_bits(j, DR7_X, 0), self->cpu->run->debug.arch.dr7);
			host_accesses(&p);
			/* over the nop */
			ASSERT_TRUE(move_rip(self->cpu, 1));
			ASSERT_TRUE(turn(self->cpu));
			host_accesses(&p);
		}
		ASSERT_TRUE(finish_exit(self->cpu));
	}
	expect_host(_metadata, &p, 4 * n * 2);
	EXPECT_EQ(0, self->page->hits);
}

TEST_F_TIMEOUT(kvm, debug_data, LONG)
{
	unsigned int n = exits() / 4, i, k;
	struct pair p;
	int j;

	NEED_GUEST_DR7();
	ASSERT_TRUE(both_watch(self->cpu, &p, false, -1, 0));
	self->page->stores = 2;
	for (j = 0; j < 4; j++) {
		ASSERT_EQ(0, start(self->cpu, GUEST(guest_touch), p.data, p.func));
		ASSERT_TRUE(debug(self->cpu, HW_BP, j, p.data, dr7_bits(j, DR7_W, DR7_LEN4)));
		for (i = 0; i < n; i++) {
			for (k = 0; k < 2; k++) {
				ASSERT_TRUE(debug_exit(self->cpu, GUEST(guest_stored),
						       DR6_NONE | 1ul << j));
				EXPECT_EQ(DR7_NONE | dr7_bits(j, DR7_W, DR7_LEN4),
					  self->cpu->run->debug.arch.dr7);
				host_accesses(&p);
			}
			ASSERT_TRUE(turn(self->cpu));
			host_accesses(&p);
		}
		ASSERT_TRUE(finish_exit(self->cpu));
	}
	expect_host(_metadata, &p, 4 * n * 3);
	EXPECT_EQ(0, self->page->hits);
}

TEST_F_TIMEOUT(kvm, debug_steps, LONG)
{
	unsigned int n = exits() / 8, i, k;
	struct pair p;

	ASSERT_TRUE(both_watch(self->cpu, &p, false, -1, 0));
	/* Bochs takes an exit for a missing page, in a step, for the step's end */
	ASSERT_EQ(0, start(self->cpu, GUEST(guest_step), 0, 0));
	ASSERT_TRUE(turn(self->cpu));
	ASSERT_TRUE(finish_exit(self->cpu));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, start(self->cpu, GUEST(guest_step), 0, 0));
		ASSERT_TRUE(debug(self->cpu, STEPS, 0, 0, 0));
		for (k = 1; k <= 8; k++) {
			ASSERT_TRUE(debug_exit(self->cpu, GUEST(guest_step) + k,
					       DR6_NONE | DR6_BS));
			host_accesses(&p);
		}
		ASSERT_TRUE(debug(self->cpu, 0, 0, 0, 0));
		ASSERT_TRUE(turn(self->cpu));
		host_accesses(&p);
		ASSERT_TRUE(finish_exit(self->cpu));
	}
	expect_host(_metadata, &p, n * 9);
	EXPECT_EQ(0, self->page->hits);
}

/* Those of the debugger are in effect, those of the guest are what it reads. */
TEST_F_TIMEOUT(kvm, debug_hides_the_guests_own, LONG)
{
	volatile struct shared *page = self->page;
	unsigned int n = exits() / 2, i;
	struct pair p;

	NEED_GUEST_DR7();
	ASSERT_TRUE(both_watch(self->cpu, &p, true, -1, 0));
	ASSERT_TRUE(debug(self->cpu, HW_BP, 3, p.func, dr7_bits(3, DR7_X, 0)));
	for (i = 0; i < n; i++) {
		ASSERT_TRUE(debug_exit(self->cpu, p.func, DR6_NONE | 8));
		host_accesses(&p);
		ASSERT_TRUE(move_rip(self->cpu, 1));
		ASSERT_TRUE(turn(self->cpu));
		ASSERT_TRUE(has_its_own(self->cpu, page->dr7));
		host_accesses(&p);
	}
	EXPECT_EQ(0, page->hits);
	/* and then they are its own again */
	ASSERT_TRUE(debug(self->cpu, 0, 0, 0, 0));
	for (i = 1; i <= n; i++) {
		ASSERT_TRUE(turn(self->cpu));
		ASSERT_EQ(i * p.hits, page->hits);
		ASSERT_TRUE(has_its_own(self->cpu, page->dr7));
		host_accesses(&p);
	}
	expect_guest(_metadata, self->cpu, &p, n);
	expect_host(_metadata, &p, n * 3);
}

/* === Two vCPUs === */

struct worker {
	struct vcpu *vcpu;
	int cpu;		/* where it runs */
	bool of_cpu;		/* the host's breakpoints are the CPU's, not the thread's */
	bool wanders;		/* from CPU to CPU */
	bool armed;
	unsigned int turns;
	struct pair pair;
	const char *wrong;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct pair *p = &w->pair;
	unsigned int i;

	w->wrong = "cannot begin";
	if (pin_to(w->cpu) ||
	    !both_watch(w->vcpu, p, w->armed, w->of_cpu ? -1 : 0, w->of_cpu ? w->cpu : -1))
		return NULL;
	/* the other one has another value there */
	w->vcpu->page->dr[3] = addr_of(w->vcpu->page);
	for (i = 1; i <= w->turns; i++) {
		if (w->wanders && i % 10 == 0)
			pin_to((w->cpu + i / 10) % online_cpus());
		w->wrong = "does not run";
		if (!turn(w->vcpu))
			return NULL;
		w->wrong = "sees other registers than its own";
		if (!has_its_own(w->vcpu, w->vcpu->page->dr7))
			return NULL;
		w->wrong = "was not hit right";
		if (w->vcpu->page->hits != i * p->hits)
			return NULL;
		host_accesses(p);
	}
	w->wrong = NULL;
	return NULL;
}

/* Each thread watches its own variable; the function is the same one. */
static void two(struct __test_metadata *_metadata, struct vm *vm, bool armed, bool of_cpu,
		bool wanders)
{
	pthread_t thread[VCPUS];
	struct worker w[VCPUS];
	int i;

	memset(w, 0, sizeof(w));
	for (i = 0; i < VCPUS; i++) {
		w[i].vcpu = &vm->vcpu[i];
		w[i].cpu = i % online_cpus();
		w[i].armed = armed;
		w[i].of_cpu = of_cpu;
		w[i].wanders = wanders;
		w[i].turns = exits();
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, work, &w[i]));
	}
	for (i = 0; i < VCPUS; i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < VCPUS; i++) {
		EXPECT_EQ(NULL, w[i].wrong)
			TH_LOG("vCPU %d %s", i, w[i].wrong);
		expect_guest(_metadata, w[i].vcpu, &w[i].pair, w[i].turns);
		expect_host(_metadata, &w[i].pair, w[i].turns);
	}
}

TEST_F_TIMEOUT(own, two_vcpus_of_tasks, LONG)
{
	two(_metadata, &self->vm, variant->armed, false, false);
}

TEST_F_TIMEOUT(own, two_vcpus_of_cpus, LONG)
{
	NEED(online_cpus() > 1, "needs 2 CPUs");
	two(_metadata, &self->vm, variant->armed, true, false);
}

TEST_F_TIMEOUT(own, two_vcpus_wander, LONG)
{
	NEED(online_cpus() > 1, "needs 2 CPUs");
	two(_metadata, &self->vm, variant->armed, false, true);
}

/* === AMD's address masks === */

#define TRACING "/sys/kernel/tracing/"
#define MASK_PROBE "hwbp_mask"
#define MASKED_LEN 64

/*
 * The trace has each call of amd_set_dr_addr_mask(), which writes the MSR if the CPU has it, and
 * each entry into a guest. What was traced before is dropped.
 */
static int trace_masks(bool on)
{
	static const char *const events[] = {
		"kprobes/" MASK_PROBE, "kvm/kvm_entry", "kvm/kvm_exit",
	};
	int fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC), err = fd < 0 ? -errno : 0;
	char path[128];
	unsigned int i;

	close(fd);
	if (on && !err)
		err = write_file(TRACING "kprobe_events",
				 "p:" MASK_PROBE " amd_set_dr_addr_mask mask=%di:u64 reg=%si:u32");
	for (i = 0; i < 3 && !err; i++) {
		snprintf(path, sizeof(path), TRACING "events/%s/enable", events[i]);
		err = write_file(path, on ? "1" : "0");
	}
	if (!on && !err)
		err = write_file(TRACING "kprobe_events", "-:" MASK_PROBE);
	return err;
}

/* Entries with the guest's registers, and how many of them with a mask; masks at the end. */
struct masks {
	unsigned int entries, with_mask, left, written;
};

/* A guest has its registers from the exit at which it asked for one of them to the next exit. */
static struct masks read_masks(void)
{
	FILE *f = fopen(TRACING "trace", "re");
	unsigned long mask[HWBP_NUM] = { }, value;
	struct masks m = { };
	char line[512], *at;
	bool own = false;
	unsigned int reg;

	while (f && fgets(line, sizeof(line), f)) {
		at = strstr(line, " mask=");
		if (at && sscanf(at, " mask=%lu reg=%u", &value, &reg) == 2) {
			mask[reg % HWBP_NUM] = value;
			m.written += value == MASKED_LEN - 1;
		} else if (strstr(line, " kvm_exit: ")) {
			own = strstr(line, "_dr") || strstr(line, "DR_ACCESS");
		} else if (strstr(line, " kvm_entry: ") && own) {
			m.entries++;
			m.with_mask += mask[0] || mask[1] || mask[2] || mask[3];
		}
	}
	if (f)
		fclose(f);
	m.left = mask[0] || mask[1] || mask[2] || mask[3];
	return m;
}

/* A breakpoint of @cpu that is so long that it has a mask; the machine may not have masks. */
static int open_masked(int cpu)
{
	static char area[MASKED_LEN] __attribute__((aligned(MASKED_LEN)));
	int fd;

	if (target("bpext 1"))
		return -ENODEV;
	fd = bp_open(BP_W, addr_of(area), MASKED_LEN, -1, cpu);
	target("bpext 0");
	return fd;
}

/* The mask of a host's breakpoint doesn't apply to those of a guest, and goes when it goes. */
TEST_F_TIMEOUT(kvm, masks, LONG)
{
	const unsigned int n = 20;
	struct masks m;
	unsigned int i;
	int fd;

	NEED_TARGET();
	NEED(!access(STATS, R_OK), "Linux's own layer has the guest run with the host's masks");
	NEED(!access(TRACING "kprobe_events", W_OK), "no kprobe events");
	self->page->reload = 1;
	give(self->cpu, 8, 16, 24, 32, 0);
	ASSERT_EQ(0, start(self->cpu, GUEST(guest_own), addr_of(self->page->var),
			   GUEST(guest_func)));
	ASSERT_EQ(0, trace_masks(true));
	fd = open_masked(0);
	ASSERT_GE(fd, 0);
	for (i = 0; i < n; i++)
		ASSERT_TRUE(turn(self->cpu));
	m = read_masks();
	EXPECT_GE(m.entries, n);
	EXPECT_GE(m.written, n);
	EXPECT_EQ(0, m.with_mask);
	EXPECT_TRUE(m.left);
	close(fd);
	EXPECT_FALSE(read_masks().left);
	EXPECT_EQ(0, trace_masks(false));
}

/* === What it costs === */

struct stats {
	long exits, exit_writes, writes;
};

/* Those of one CPU. */
static bool read_stats(int cpu, struct stats *s)
{
	const long address = cpu_stat(cpu, "address_writes");
	const long dr6 = cpu_stat(cpu, "dr6_writes"), dr7 = cpu_stat(cpu, "dr7_writes");

	s->exits = cpu_stat(cpu, "guest_exits");
	s->exit_writes = cpu_stat(cpu, "guest_exit_writes");
	s->writes = address + dr6 + dr7;
	return s->exits >= 0 && s->exit_writes >= 0 && address >= 0 && dr6 >= 0 && dr7 >= 0;
}

/*
 * A guest without debug registers leaves the host's addresses where they are: all that an
 * exit has to write is DR7, which the CPU empties. The breakpoint is the CPU's, as that of
 * a task would be written at each context switch, too.
 */
TEST_F_TIMEOUT(kvm, exit_writes_at_most_one, LONG)
{
	int fd = bp_open(BP_W, addr_of(vars), 8, -1, 0);
	struct stats before, after;
	unsigned int n = exits(), i;
	unsigned long left, wrote;

	ASSERT_GE(fd, 0);
	NEED(!access(STATS, R_OK), "the kernel has no " STATS);
	ASSERT_EQ(0, start(self->cpu, GUEST(guest_out), 0, 0));
	ASSERT_TRUE(turn(self->cpu));
	ASSERT_TRUE(read_stats(0, &before));
	for (i = 0; i < n; i++)
		ASSERT_TRUE(turn(self->cpu));
	ASSERT_TRUE(read_stats(0, &after));
	left = after.exits - before.exits;
	wrote = after.exit_writes - before.exit_writes;
	EXPECT_GE(left, n);
	EXPECT_LE(wrote, left);
	EXPECT_LE(after.writes - before.writes, 2 * left + 16);
	TH_LOG("%lu exits, %lu writes at them, %lu in all", left, wrote,
	       after.writes - before.writes);
	/* all of that with the breakpoint in effect */
	EXPECT_EQ(0, bp_count(fd));
	stores(vars, 4, EACH);
	EXPECT_EQ(EACH, bp_count(fd));
}

/* === Afterwards === */

FIXTURE(after)
{
};

FIXTURE_SETUP(after)
{
	NEED_KVM();
}

FIXTURE_TEARDOWN(after)
{
}

/* All machines are gone: nobody holds anything. */
TEST_F(after, nothing_is_left)
{
	all_free(_metadata);
}

TEST_HARNESS_MAIN
