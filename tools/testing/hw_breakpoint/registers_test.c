// SPDX-License-Identifier: GPL-2.0-only
/*
 * How breakpoints get into the debug registers, with an NMI at each step of it.
 *
 * arch/x86/kernel/hw_breakpoint_registers.c itself is built as for the thread sanitizer, whose
 * runtime this is: the compiler announces each access to memory, and the shim each instruction
 * that reads and writes, and each access to a debug register. Before any of them an NMI may
 * come, in which the kernel debugger sets and removes breakpoints or somebody moves one. So
 * each operation is run once for each place and each such NMI, and for two of them. If the NMI has
 * interrupted a change of the registers, the debugger comes back in an interrupt, as the kernel's
 * does, and that is run in the same way.
 *
 * What is looked at: at each step, that a match of what is armed would go to a breakpoint
 * that watches just that, or to nobody, and that nobody is told less; and at the end that
 * the registers watch what is to be watched, all of it and nothing else.
 *
 * Copyright (C) 2026 The hw_breakpoint authors
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <asm/debugreg.h>
#include <uapi/linux/hw_breakpoint.h>

#include "hw_breakpoint_registers.h"
#include "hw_breakpoint_split.h"
#include "registers_test.h"
#include "tap.h"

#define MAX_STEPS	5000
#define MAX_NMIS	2
#define NOWHERE		0x1000UL

/* === The processor === */

static struct {
	unsigned long	address[HBP_NUM];
	unsigned long	mask[HBP_NUM];
	unsigned long	dr6;
	unsigned long	dr7;
	/* What amd_set_dr_addr_mask() believes to have written. */
	unsigned long	believed[HBP_NUM];
	unsigned long	mask_writes, address_writes, dr7_writes;
} cpu;

bool shim_has_masks;

/* === Breakpoints === */

/* The debugger's, then events. */
enum name { K, L, M, T, P, Q, R, H, F, G, NR_NAMES };

static const struct {
	unsigned long	address;
	unsigned int	type;
	unsigned int	len;
} made[NR_NAMES] = {
	[K] = { 0x1001, HW_BREAKPOINT_X, 1 },
	[L] = { 0x1001, HW_BREAKPOINT_X, 1 },
	[M] = { 0x2002, HW_BREAKPOINT_W, 1 },
	[T] = { 0x2004, HW_BREAKPOINT_W, 12 },
	[P] = { 0x3003, HW_BREAKPOINT_W, 1 },
	[Q] = { 0x3003, HW_BREAKPOINT_X, 1 },
	[R] = { 0x5004, HW_BREAKPOINT_RW, 12 },
	[H] = { 0x4000, HW_BREAKPOINT_W, 16 },	/* one with a mask, or else two */
	[F] = { 0x6000, HW_BREAKPOINT_RW, 8 },
	[G] = { 0x7000, HW_BREAKPOINT_RW, 4 },
};

#define LAST_OF_DEBUGGER	T
#define MOVED_BY		0x20

/* The debugger's are this CPU's copies of what is in @listed. */
static struct arch_hw_breakpoint bp[NR_NAMES], listed[LAST_OF_DEBUGGER + 1];
/* Is it to be watched, as far as is known? */
static bool on[NR_NAMES];
/* Somebody moves it in this run: a match may be of where it was. */
static bool moves[NR_NAMES];

static void make(enum name name)
{
	const u64 largest = shim_has_masks ? 16 : 8;
	struct arch_hw_breakpoint *hw = &bp[name];
	u64 block[HBP_NUM] = { };
	unsigned int offset = 0;

	memset(hw, 0, sizeof(*hw));
	hw->address = made[name].address;
	hw->type = made[name].type;
	hw->nr_pieces = split_range(hw->address, made[name].len, largest, block, HBP_NUM);
	for (unsigned int i = 0; i < hw->nr_pieces; i++) {
		hw->piece[i] = (struct hw_breakpoint_piece) {
			.setting = dr7_setting(hw->type, block[i] > 8 ? 1 : block[i]),
			.mask_bits = block[i] > 8 ? __builtin_ctzll(block[i]) : 0,
			.offset = offset,
		};
		offset += block[i];
	}
	hw->dr7 = dr7_every_slot(hw->piece[0].setting);
	hw->simple = hw->nr_pieces == 1 && !hw->piece[0].mask_bits;
	if (name <= LAST_OF_DEBUGGER)
		listed[name] = *hw;
}

static unsigned long address_of(const struct hw_breakpoint_piece *piece,
				const struct arch_hw_breakpoint *hw)
{
	return hw->address + piece->offset;
}

/* Does register @i hold @piece of @hw, and does DR7 say so? */
static bool watches(unsigned int i, const struct hw_breakpoint_piece *piece)
{
	const unsigned long slot = DR7_SLOT_MASK(i);

	return !((cpu.dr7 ^ dr7_every_slot(piece->setting)) & slot) &&
	       cpu.mask[i] == (1ULL << piece->mask_bits) - 1;
}

/* === Results === */

static jmp_buf too_long;
static unsigned long nr_runs, nr_wrong;
static const char *wrong;
static int wrong_step;

static void fail(const char *what)
{
	if (!wrong)
		wrong = what;
}

/* === Room === */

/* What the interrupted operation adds or removes: it has its registers, or is to get them. */
static int at_work;

static unsigned int pieces_on(void)
{
	unsigned int nr = 0;

	for (int n = 0; n < NR_NAMES; n++)
		if (on[n] || n == at_work)
			nr += bp[n].nr_pieces;
	return nr;
}

/*
 * Who was promised registers finds some: he did if at no time meanwhile there were too many.
 * (What an NMI adds meanwhile comes through here, too, and counts what is being added.)
 */
static void add(enum name name)
{
	const unsigned int more = (int)name == at_work ? 0 : bp[name].nr_pieces;
	static unsigned int most;
	unsigned int interrupted = most;

	most = pieces_on() + more;
	on[name] = !arch_hw_breakpoint_add(&bp[name]);
	if (!on[name] && most <= HBP_NUM && pieces_on() + more <= HBP_NUM)
		fail("no register, though there is room");
	most = most > interrupted ? most : interrupted;
}

/* === Steps === */

struct nmi {
	int	at;
	int	act;
};

static struct nmi nmi[MAX_NMIS];
static int nr_nmis, step_nr;
/* 1: in the code under test; 0: outside of it, or in an NMI. */
static bool stepping;
/* For how many steps DR7 has been armed and not what cpu_dr7 says. */
static int outdated;
/* The end of a trap is under way, or nearly. */
static bool trap_ends;

static void take_nmi(int act);

/* Whatever is armed just now: whose would a match be? */
static void look(void)
{
	const struct hw_breakpoint_piece *piece;
	const struct arch_hw_breakpoint *hw;

	/*
	 * Where an NMI has changed cpu_dr7 after the end of a trap has read it, DR7 is written
	 * again.
	 */
	if (cpu.dr7 && !hw_breakpoint_active() && !trap_ends)
		fail("armed, and #DB entry would not know");
	/* Nothing that could be watched is accessed until DR7 is written, so no #DB comes. */
	outdated = cpu.dr7 && cpu.dr7 != cpu_dr7 ? outdated + 1 : 0;
	if (outdated > 2)
		fail("armed, and not as cpu_dr7 says");
	if (outdated)
		return;
	for (unsigned int i = 0; i < HBP_NUM; i++) {
		if (!dr7_enabled(cpu.dr7, i))
			continue;
		if (cpu.address[i] == NOWHERE)
			fail("a guest's address is armed");
		hw = owner_of_match(&debug_registers, cpu_dr7, i);
		if (!hw)
			continue;
		piece = &hw->piece[debug_registers.piece[i]];
		if (!watches(i, piece) ||
		    (cpu.address[i] != address_of(piece, hw) && !moves[hw - bp]))
			fail("a match would be another's");
	}
}

static void step(void)
{
	if (!stepping)
		return;
	stepping = false;
	step_nr++;
	if (step_nr > MAX_STEPS)
		longjmp(too_long, 1);
	look();
	for (int i = 0; i < nr_nmis; i++)
		if (nmi[i].at == step_nr)
			take_nmi(nmi[i].act);
	if (wrong && !wrong_step)
		wrong_step = step_nr;
	stepping = true;
}

/* Instructions that no NMI divides. They return what was there before. */
#define STEP(name, type, op)			\
	type name(type p[], type operand)	\
	{					\
		const type was = (step(), *p);	\
						\
		*p op operand;			\
		return was;			\
	}

STEP(step_or, unsigned long, |=)
STEP(step_and, unsigned long, &=)
STEP(step_or_int, unsigned int, |=)
STEP(step_and_int, unsigned int, &=)
STEP(step_add_int, unsigned int, +=)

void shim_set_debugreg(unsigned int nr, unsigned long value)
{
	step();
	if (nr < HBP_NUM) {
		cpu.address[nr] = value;
		cpu.address_writes++;
	} else if (nr == 6) {
		cpu.dr6 = value;
	} else {
		if (value & 0xff && cpu_dr7_held)
			fail("armed while somebody holds DR7 at zero");
		cpu.dr7 = value & ~DR7_FIXED_1;
		cpu.dr7_writes++;
	}
}

unsigned long shim_get_debugreg(unsigned int nr)
{
	step();
	return nr == 6 ? cpu.dr6 : cpu.dr7 | DR7_FIXED_1;
}

/* As the kernel's: without a write if it believes that there is nothing to be done. */
void amd_set_dr_addr_mask(unsigned long mask, unsigned int nr)
{
	step();
	if (!shim_has_masks || cpu.believed[nr] == mask)
		return;
	cpu.mask[nr] = mask;
	cpu.believed[nr] = mask;
	cpu.mask_writes++;
}

/* What the compiler calls before each access, and at other places: see registers_test.h. */
#define ANNOUNCED(name)	void name(void *p) { (void)p; step(); }
#define IGNORED(name)	void name(void *p) { (void)p; }

ANNOUNCED(__tsan_read1)
ANNOUNCED(__tsan_read2)
ANNOUNCED(__tsan_read4)
ANNOUNCED(__tsan_read8)
ANNOUNCED(__tsan_read16)
ANNOUNCED(__tsan_write1)
ANNOUNCED(__tsan_write2)
ANNOUNCED(__tsan_write4)
ANNOUNCED(__tsan_write8)
ANNOUNCED(__tsan_write16)
IGNORED(__tsan_func_entry)
IGNORED(__tsan_func_exit)

void __tsan_init(void)
{
}

/* === What an NMI does === */

/* What the debugger has set; and it has still to come back in an interrupt. */
static unsigned int debugger_set;
static bool debugger_waits, debugger_is_busy;

static void debugger_syncs(void)
{
	debugger_is_busy = true;
	for (int i = K; i <= LAST_OF_DEBUGGER; i++) {
		arch_hw_breakpoint_del(&bp[i]);
		on[i] = false;
	}
	for (int i = K; i <= LAST_OF_DEBUGGER; i++) {
		if (!(debugger_set & BIT(i)))
			continue;
		arch_hw_breakpoint_assign(&bp[i], &listed[i]);
		add(i);
	}
	debugger_is_busy = false;
	arch_hw_breakpoint_commit(NULL);
}

/* The debugger has the machine, and lets it go with just these set. */
static void debugger_sets(unsigned int set)
{
	cpu_dr7_hold(CPU_DR7_DEBUGGER);
	debugger_set = set;
	debugger_waits = debugger_is_busy || arch_hw_breakpoint_is_busy();
	if (!debugger_waits)
		debugger_syncs();
	cpu_dr7_release(CPU_DR7_DEBUGGER);
}

/* One that it removed and set as another: a longer or a shorter one. */
static void debugger_remakes(void)
{
	struct arch_hw_breakpoint *hw = &listed[T];

	hw->address ^= 0x100;
	memcpy(hw->piece, bp[R].piece, sizeof(hw->piece));
	hw->nr_pieces = hw->nr_pieces == 1 ? bp[R].nr_pieces : 1;
	hw->dr7 = bp[R].dr7;
	hw->simple = hw->nr_pieces == 1;
	debugger_sets(BIT(T));
}

static void move(enum name name, unsigned long address)
{
	moves[name] = true;
	arch_hw_breakpoint_move(&bp[name], address);
}

enum act {
	SETS_NONE, SETS_K, SETS_L, SETS_M, SETS_T, SETS_KM,
	REMAKES, MOVES_P, MOVES_P_BACK, MOVES_R, NR_ACTS
};

static const char *const act_name[NR_ACTS] = {
	"the debugger removes all", "sets K", "sets L", "sets M", "sets T", "sets K and M",
	"makes T another", "P moves", "P moves back", "R moves",
};

static void act(int what)
{
	static const unsigned int set[] = {
		[SETS_NONE] = 0, [SETS_K] = BIT(K), [SETS_L] = BIT(L), [SETS_M] = BIT(M),
		[SETS_T] = BIT(T), [SETS_KM] = BIT(K) | BIT(M),
	};

	switch (what) {
	case REMAKES:
		debugger_remakes();
		break;
	case MOVES_P:
		move(P, made[P].address + MOVED_BY);
		break;
	case MOVES_P_BACK:
		move(P, made[P].address);
		break;
	case MOVES_R:
		move(R, made[R].address + MOVED_BY);
		break;
	default:
		debugger_sets(set[what]);
	}
}

static void take_nmi(int what)
{
	local_db_save();
	act(what);
	local_db_restore(0);
}

/* === What is interrupted === */

enum op_kind {
	END, ADD, DEL, COMMIT, MOVE, TEXT, RESTORE, RESET,
	/* A #DB in whose handler a breakpoint moves. */
	TRAP,
	/* A guest with the registers, without them, and with protected state. */
	ENTER, ENTER_WITHOUT, ENTER_PROTECTED, LEAVE
};

struct op {
	enum op_kind	kind;
	enum name	name;
};

/* What concerns no breakpoint. */
#define OP(kind)	{ kind, NR_NAMES }

/* What the CPU has at an entry applies to the guest's breakpoints, which know of no mask. */
static void expect_no_masks(void)
{
	for (unsigned int i = 0; i < HBP_NUM; i++)
		if (cpu.mask[i])
			fail("a guest has a mask that isn't its own");
}

static void enter(void)
{
	static const unsigned long guests[HBP_NUM] = { NOWHERE, NOWHERE, NOWHERE, NOWHERE };

	hw_breakpoint_guest_enter(guests);
	expect_no_masks();
}

static void fill(unsigned long address, unsigned long mask)
{
	for (unsigned int i = 0; i < HBP_NUM; i++) {
		cpu.address[i] = address;
		cpu.mask[i] = shim_has_masks ? mask : 0;
	}
}

/* At its exit the CPU loads what KVM saved, or leaves the addresses that the guest has written. */
static bool protected;

static void enter_protected(void)
{
	hw_breakpoint_guest_enter_protected();
	expect_no_masks();
	fill(NOWHERE, 0xff);
	protected = true;
}

static void leave(void)
{
	if (protected)
		fill(NOWHERE, 0);
	protected = false;
	hw_breakpoint_guest_exit();
}

static void handle_trap(int name)
{
	move(name, made[name].address + 2 * MOVED_BY);
	trap_ends = true;
}

static void do_op(const struct op *op)
{
	at_work = op->name;
	switch (op->kind) {
	case ADD:
		add(op->name);
		break;
	case DEL:
		/* Before: what comes meanwhile may go either way. */
		on[op->name] = false;
		arch_hw_breakpoint_del(&bp[op->name]);
		break;
	case MOVE:
		move(op->name, made[op->name].address + 2 * MOVED_BY);
		break;
	case TRAP:
		take_trap(handle_trap, op->name);
		trap_ends = false;
		break;
	case TEXT:
		cpu_dr7_hold(CPU_DR7_TEXT);
		break;
	case RESTORE:
		hw_breakpoint_restore();
		break;
	case ENTER:
		enter();
		break;
	case ENTER_WITHOUT:
		hw_breakpoint_guest_enter(NULL);
		break;
	case ENTER_PROTECTED:
		enter_protected();
		break;
	case LEAVE:
		leave();
		break;
	case RESET:
		fill(0, 0);
		hw_breakpoint_reset();
		break;
	default:
		arch_hw_breakpoint_commit(NULL);
	}
}

/* At the end interrupts are on. */
static void do_ops(const struct op *op)
{
	for (; op->kind != END; op++) {
		do_op(op);
		if (debug_registers.section)
			fail("what an NMI wants is left for later");
	}
	at_work = NR_NAMES;
	arch_hw_breakpoint_commit(NULL);
	while (debugger_waits) {
		debugger_waits = false;
		debugger_syncs();
	}
}

/* === Verdict === */

static bool is_watched(enum name name, unsigned int piece)
{
	const struct arch_hw_breakpoint *hw = &bp[name];

	for (unsigned int i = 0; i < HBP_NUM; i++)
		if (debug_registers.owner[i] == hw && debug_registers.piece[i] == piece &&
		    watches(i, &hw->piece[piece]) &&
		    cpu.address[i] == address_of(&hw->piece[piece], hw))
			return true;
	return false;
}

static void judge(void)
{
	unsigned int nr = 0;

	for (int n = 0; n < NR_NAMES; n++) {
		for (unsigned int i = 0; on[n] && i < bp[n].nr_pieces; i++, nr++)
			if (!is_watched(n, i))
				fail("not all that is to be watched is");
	}
	for (unsigned int i = 0; i < HBP_NUM; i++)
		if (dr7_enabled(cpu.dr7, i))
			nr--;
	if (nr)
		fail("something else is watched");
	if (cpu.dr7 != cpu_dr7 || cpu_dr7 != debug_registers.wanted_dr7)
		fail("DR7 is not what it is to be");
	if (cpu_dr7_held || debug_registers.section)
		fail("DR7 is held at zero, or something is still under way");
	for (unsigned int i = 0; i < HBP_NUM; i++)
		if (dr7_enabled(debug_registers.wanted_dr7, i) != !!debug_registers.owner[i])
			fail("a register is lost");
	for (unsigned int i = 0; i < HBP_NUM; i++)
		if (!debug_registers.owner[i] && cpu.mask[i])
			fail("a mask is there, and its breakpoint is gone");
}

/* === Runs === */

/* As they are when the kernel boots. */
static struct debug_registers none;

static void begin(void)
{
	debug_registers = none;
	cpu_dr7 = 0;
	cpu_dr7_held = 0;
	memset(&cpu, 0, sizeof(cpu));
	protected = false;
	memset(on, 0, sizeof(on));
	memset(moves, 0, sizeof(moves));
	for (int n = 0; n < NR_NAMES; n++)
		make(n);
	at_work = NR_NAMES;
	step_nr = 0;
	outdated = 0;
	trap_ends = false;
	debugger_waits = false;
	wrong = NULL;
	wrong_step = 0;
	/* A CPU comes up, on which another kernel has left masks. */
	fill(0, 0xff);
	hw_breakpoint_reset();
}

struct scenario {
	const char	*what;
	struct op	before[5];
	struct op	ops[6];
};

/* Return: how many steps it took. */
static int run(const struct scenario *s, int debugger)
{
	begin();
	act(debugger);
	do_ops(s->before);
	memset(moves, 0, sizeof(moves));
	if (setjmp(too_long)) {
		fail("it does not come to an end");
	} else {
		stepping = true;
		do_ops(s->ops);
		stepping = false;
		judge();
	}
	nr_runs++;
	if (wrong && !nr_wrong++) {
		printf("# %s, after: %s\n", s->what, act_name[debugger]);
		for (int i = 0; i < nr_nmis; i++)
			printf("#   NMI before step %d: %s\n", nmi[i].at, act_name[nmi[i].act]);
		printf("#   %s, first seen at step %d\n", wrong, wrong_step);
	}
	return step_nr;
}

static const struct scenario scenarios[] = {
	{ "P comes", { }, { { ADD, P } } },
	{ "P comes and goes at once", { }, { { ADD, P }, { DEL, P } } },
	{ "P goes", { { ADD, P } }, { { DEL, P } } },
	{ "P goes and comes", { { ADD, P } }, { { DEL, P }, { ADD, P } } },
	{ "Q takes P's place", { { ADD, P } }, { { DEL, P }, { ADD, Q } } },
	{ "Q comes after P", { { ADD, P } }, { { DEL, P }, OP(COMMIT), { ADD, Q } } },
	{ "P moves", { { ADD, P } }, { { MOVE, P } } },
	{ "P moves in a trap", { { ADD, P } }, { { TRAP, P } } },
	{ "R comes, of two pieces", { }, { { ADD, R } } },
	{ "R goes", { { ADD, R } }, { { DEL, R } } },
	{ "R moves", { { ADD, R } }, { { MOVE, R } } },
	{ "R takes the place of F and G", { { ADD, F }, { ADD, G } },
	  { { DEL, F }, { DEL, G }, { ADD, R } } },
	{ "Q takes P's place, three others stay", { { ADD, P }, { ADD, F }, { ADD, R } },
	  { { DEL, P }, { ADD, Q } } },
	{ "one register is left for R", { { ADD, F }, { ADD, G }, { ADD, P } }, { { ADD, R } } },
	{ "text is poked", { { ADD, P } }, { OP(TEXT), OP(RESTORE) } },
	{ "P comes while text is poked", { }, { OP(TEXT), { ADD, P }, OP(COMMIT), OP(RESTORE) } },
	{ "a guest runs", { { ADD, P }, { ADD, R } }, { OP(ENTER), OP(LEAVE) } },
	{ "Q takes P's place while a guest runs", { { ADD, P } },
	  { OP(ENTER), { DEL, P }, { ADD, Q }, OP(COMMIT), OP(LEAVE) } },
	{ "P comes back, and a guest had its register", { { ADD, P } },
	  { { DEL, P }, OP(ENTER), OP(LEAVE), { ADD, P } } },
	{ "the same, and one register is left", { { ADD, F }, { ADD, G }, { ADD, P } },
	  { { DEL, P }, OP(ENTER), OP(LEAVE), { ADD, P } } },
	{ "H takes P's place", { { ADD, P } }, { { DEL, P }, { ADD, H } } },
	{ "P takes H's place", { { ADD, H } }, { { DEL, H }, { ADD, P } } },
	{ "H goes", { { ADD, H } }, { { DEL, H } } },
	{ "H goes and comes", { { ADD, H } }, { { DEL, H }, { ADD, H } } },
	{ "H moves", { { ADD, H } }, { { MOVE, H } } },
	{ "a guest runs beside H", { { ADD, H } }, { OP(ENTER), OP(LEAVE) } },
	{ "a guest runs after H has gone", { { ADD, H } },
	  { { DEL, H }, OP(COMMIT), OP(ENTER), OP(LEAVE) } },
	{ "H goes while a guest runs", { { ADD, H } },
	  { OP(ENTER), { DEL, H }, OP(COMMIT), OP(LEAVE) } },
	{ "H goes while a guest without debug registers runs", { { ADD, H } },
	  { OP(ENTER_WITHOUT), { DEL, H }, OP(LEAVE), OP(ENTER), OP(LEAVE) } },
	{ "a guest with protected state runs beside H", { { ADD, H }, { ADD, P } },
	  { OP(ENTER_PROTECTED), OP(LEAVE) } },
	{ "H goes while a guest with protected state runs", { { ADD, H } },
	  { OP(ENTER_PROTECTED), { DEL, H }, OP(LEAVE), OP(ENTER), OP(LEAVE) } },
	{ "the CPU loses H", { { ADD, H } }, { OP(TEXT), OP(RESET) } },
	{ "the CPU loses its registers", { { ADD, P }, { ADD, R } }, { OP(TEXT), OP(RESET) } },
};

#define NR_SCENARIOS	(sizeof(scenarios) / sizeof(scenarios[0]))

static void run_with_nmis(const struct scenario *s, int debugger, int max)
{
	int steps, steps2;

	nr_nmis = 0;
	steps = run(s, debugger);
	for (nmi[0].at = 1; nmi[0].at <= steps; nmi[0].at++) {
		for (nmi[0].act = 0; nmi[0].act < NR_ACTS; nmi[0].act++) {
			nr_nmis = 1;
			steps2 = run(s, debugger);
			if (max < 2)
				continue;
			nr_nmis = 2;
			for (nmi[1].at = nmi[0].at + 1; nmi[1].at <= steps2; nmi[1].at++)
				for (nmi[1].act = 0; nmi[1].act < NR_ACTS; nmi[1].act++)
					run(s, debugger);
		}
	}
}

/* The first @nr scenarios, with up to @max NMIs. */
static void test_nmis(unsigned int nr, int max)
{
	static const int before[] = { SETS_NONE, SETS_K, SETS_M, SETS_T };
	char what[120];

	nr_runs = 0;
	nr_wrong = 0;
	for (unsigned int i = 0; i < nr; i++)
		for (unsigned int b = 0; b < sizeof(before) / sizeof(before[0]); b++)
			run_with_nmis(&scenarios[i], before[b], max);
	printf("# %lu runs, %lu of them wrong\n", nr_runs, nr_wrong);
	snprintf(what, sizeof(what), "%s at any step of any operation%s",
		 max == 1 ? "an NMI" : "up to two NMIs",
		 shim_has_masks ? ", on a processor with address masks" : "");
	tap_ok(!nr_wrong && nr_runs, what);
}

/* === What masks cost where there are none === */

/* Return: how many masks were written by that. */
static unsigned long mask_writes(const struct op *op)
{
	const unsigned long before = cpu.mask_writes;

	do_ops(op);
	return cpu.mask_writes - before;
}

static void test_mask_writes(void)
{
	static const struct op guest[] = { OP(ENTER), OP(LEAVE), { } };
	static const struct op guest_enters[] = { OP(ENTER), { } };
	static const struct op guest_leaves[] = { OP(LEAVE), { } };
	static const struct op comes[] = { { ADD, P }, { } };
	static const struct op switched[] = { { DEL, P }, { ADD, Q }, { } };
	static const struct op back[] = { { DEL, Q }, { ADD, P }, { } };

	begin();
	do_ops(guest);
	do_ops(comes);
	tap_ok(!mask_writes(guest_enters), "no mask is written when a guest enters beside P");
	do_ops(guest_leaves);
	tap_ok(!mask_writes(switched) && !mask_writes(back), "nor when P and Q take turns");
}

/* === How often registers are written === */

/* Breakpoints of 8 bytes. */
static struct arch_hw_breakpoint many[3][HBP_NUM];

static void make_many(void)
{
	struct arch_hw_breakpoint *hw;

	begin();
	memset(many, 0, sizeof(many));
	for (int i = 0; i < 3 * HBP_NUM; i++) {
		hw = &many[i / HBP_NUM][i % HBP_NUM];
		/* Those of many[2] are where those of many[0] are, in another order. */
		hw->address = 0x8000 + 8 * (i < 2 * HBP_NUM ? i : 3 * HBP_NUM - 1 - i);
		hw->type = HW_BREAKPOINT_W;
		hw->nr_pieces = 1;
		hw->piece[0].setting = dr7_setting(hw->type, 8);
		hw->dr7 = dr7_every_slot(hw->piece[0].setting);
		hw->simple = true;
	}
}

/* The first @nr of @out are deleted, and the first @nr2 of @in added, as at a context switch. */
static void switch_over(struct arch_hw_breakpoint *out, int nr, struct arch_hw_breakpoint *in,
			int nr2)
{
	while (nr--)
		arch_hw_breakpoint_del(&out[nr]);
	arch_hw_breakpoint_commit(NULL);
	for (int i = 0; i < nr2; i++)
		arch_hw_breakpoint_add(&in[i]);
	arch_hw_breakpoint_commit(NULL);
}

static void forget_writes(void)
{
	cpu.address_writes = 0;
	cpu.dr7_writes = 0;
}

static bool writes_since(unsigned long address, unsigned long dr7)
{
	const bool equal = cpu.address_writes == address && cpu.dr7_writes == dr7;

	if (!equal)
		printf("# %lu writes to addresses, and %lu to DR7\n", cpu.address_writes,
		       cpu.dr7_writes);
	forget_writes();
	return equal;
}

/* Ten rounds there and back, after some in which they find their places. */
static void test_switches(int which, int nr, int nr2, unsigned long address, unsigned long dr7,
			  const char *what)
{
	make_many();
	switch_over(NULL, 0, many[0], nr);
	for (int i = 0; i < 20; i++) {
		if (i == 10)
			forget_writes();
		switch_over(many[0], nr, many[which], nr2);
		switch_over(many[which], nr2, many[0], nr);
	}
	tap_ok(writes_since(10 * address, 10 * dr7), what);
}

/* In one bracket, breakpoint @nr becomes another. */
static void becomes_another(int nr)
{
	struct arch_hw_breakpoint *hw = &many[0][nr];

	forget_writes();
	arch_hw_breakpoint_del(hw);
	arch_hw_breakpoint_assign(hw, &many[1][nr]);
	arch_hw_breakpoint_add(hw);
	arch_hw_breakpoint_commit(NULL);
}

static void test_brackets(void)
{
	struct arch_hw_breakpoint *hw = &many[0][0];

	make_many();
	switch_over(NULL, 0, many[0], 4);
	becomes_another(0);
	tap_ok(writes_since(1, 2), "what becomes another is off in between");
	switch_over(&many[0][3], 1, NULL, 0);
	becomes_another(1);
	tap_ok(writes_since(1, 1), "but not where a register isn't armed");
	arch_hw_breakpoint_del(hw);
	arch_hw_breakpoint_add(hw);
	arch_hw_breakpoint_commit(NULL);
	tap_ok(writes_since(0, 0), "what goes and comes at once stays");
	arch_hw_breakpoint_move(hw, hw->address + 0x100);
	tap_ok(writes_since(1, 2), "a move is one address, off and on, whatever else is on");
	arch_hw_breakpoint_del(hw);
	hw->dr7 = dr7_every_slot(dr7_setting(HW_BREAKPOINT_RW, 8));
	arch_hw_breakpoint_add(hw);
	arch_hw_breakpoint_commit(NULL);
	tap_ok(writes_since(0, 1), "another type is one write");
}

static void test_guests(void)
{
	static const struct op enters[] = { OP(ENTER), { } };
	static const struct op enters_without[] = { OP(ENTER_WITHOUT), { } };
	static const struct op leaves[] = { OP(LEAVE), { } };

	make_many();
	switch_over(NULL, 0, many[0], 3);
	forget_writes();
	do_ops(enters_without);
	tap_ok(writes_since(0, 1), "a guest without debug registers enters with one write");
	do_ops(leaves);
	tap_ok(writes_since(0, 1), "and leaves with one");
	do_ops(enters);
	tap_ok(writes_since(4, 1), "a guest with debug registers gets its own");
	do_ops(leaves);
	tap_ok(writes_since(3, 1), "and when it leaves three are loaded and armed at once");
}

static void test_writes(void)
{
	test_switches(1, 4, 4, 8, 4, "four each: four addresses, off and on at each switch");
	test_switches(2, 4, 4, 0, 4, "the same four, opened twice: off and on");
	test_switches(1, 4, 0, 0, 2, "four and none: off, and on again");
	test_switches(1, 2, 2, 0, 4, "two each: they stay loaded");
	test_switches(1, 1, 3, 0, 4, "so do one and three");
	test_brackets();
	test_guests();
}

int main(int argc, char **argv)
{
	/* Two NMIs are for the first ones only: for all of them they take a minute. */
	const unsigned int nr = argc > 1 ? atoi(argv[1]) : 1;

	none = debug_registers;
	test_nmis(NR_SCENARIOS, 1);
	if (nr)
		test_nmis(nr < NR_SCENARIOS ? nr : NR_SCENARIOS, 2);
	shim_has_masks = true;
	test_nmis(NR_SCENARIOS, 1);
	test_mask_writes();
	test_writes();
	return tap_end();
}
