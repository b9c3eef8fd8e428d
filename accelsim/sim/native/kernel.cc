// What Python calls (accelsim/sim/native/__init__.py): open a phase, go on, read the counters, close.
#include <new>

#include "jump.h"

using accelsim::i128;
using accelsim::i64;
using accelsim::Jump;
using accelsim::Statistics;

extern "C" {

// Of the words and of the counters: FORMAT in encode.py.
i64 accelsim_format() { return 3; }

// Begin a phase; nullptr if there is no memory for it. `limit` below 0: none; steps that took less than
// `worth` ticks are not remembered.
Jump* accelsim_open(const i64* words, const i64* statistics, i64 limit, i64 worth) {
    try {
        return new Jump(words, {statistics[0], statistics[1], statistics[2], statistics[3], statistics[4]}, limit, worth);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

// Go on for some ticks: 0 goes on, 1 has ended, 2 took more effort than its limit, 3 leaves the room
// of 64 bits, -1 no memory.
int accelsim_go(Jump* jump, i64 ticks, i64* statistics) {
    try {
        int state = jump->go(ticks);
        const Statistics& did = jump->statistics;
        const i64 words[] = {did.repeats, did.recalls, did.walked, did.stretches, did.looks};
        std::copy(words, words + 5, statistics);
        return state;
    } catch (const accelsim::TooLarge&) {
        return 3;
    } catch (const std::bad_alloc&) {
        return -1;
    }
}

// The heads that wait for ever, as (task, instance, producer, instance); returns how many.
i64 accelsim_blocked(const Jump* jump, i64* words) {
    const accelsim::Stepper& stepper = jump->stepper;
    i64 count = 0;
    for (std::size_t q = 0; q < stepper.status.size(); ++q) {
        if (stepper.status[q] != accelsim::BLOCKED) continue;
        const accelsim::Head& head = stepper.head[q];
        const i64 wait = stepper.wait[q];
        *words++ = head.task;
        *words++ = head.instance;
        *words++ = stepper.phase.tasks[head.task].waits[wait].producer;
        *words++ = stepper.need(i64(q), wait);
        ++count;
    }
    return count;
}

// Whether every queue has come to its end.
int accelsim_is_done(const Jump* jump) {
    for (i64 status : jump->stepper.status)
        if (status != accelsim::DONE) return 0;
    return 1;
}

// The counters: ticks, instances by task and class and stalls by queue and cause, peaks of pools and
// buffers, integrals of pools (each as high and low 64 bits).
void accelsim_counters(const Jump* jump, i64* words) {
    const accelsim::Stepper& stepper = jump->stepper;
    i64 ticks = 0;
    for (i64 free : stepper.free) ticks = std::max(ticks, free);
    *words++ = ticks;
    const accelsim::Phase& phase = stepper.phase;
    const i64* counters = stepper.counters.begin();
    words = std::copy(counters, counters + phase.classes, words);
    for (i64 at : phase.stall_at) *words++ = at < 0 ? 0 : counters[phase.classes + at];
    words = std::copy(jump->peak.begin(), jump->peak.end(), words);
    for (std::size_t p = 0; p < stepper.level.size(); ++p) {
        const i128 integral = stepper.integral[p] + i128(stepper.level[p]) * (ticks - stepper.since[p]);
        *words++ = i64(integral >> 64);
        *words++ = i64(integral);
    }
}

void accelsim_close(Jump* jump) { delete jump; }
}
