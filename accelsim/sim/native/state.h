// Snapshots of a stepper, their keys (all that is relative), and moving a stepper by a step: sim/state.py.
#pragma once
#include <memory_resource>
#include <unordered_map>

#include "stepper.h"

namespace accelsim {

// Where in the nest a state is, as a level sees it; the signature is worked out when it is asked for.
struct PlaceInNest {
    i64 offset;  // slots of the clock since its last boundary
    Ints signature;
};

// A state between two ticks; absolute, but for `window`, `times` and what is told. Two states are alike if all
// that is relative to now is the same: but for times and slots all that decides what comes next.
struct Snapshot : Words {
    Part<i64> window;  // by task: how far below `reached` an instance may still have a future
    Part<i64> told;    // items, waits and what holds heads by queue, what holds resources; `until` belongs to it
    Part<i64> until;   // by task: where its times end in their list
    i64 now = 0;
    std::uint64_t hash = 0;      // of what is relative
    std::vector<Started> times;  // of all tasks: offset to reached, start and end relative to now
    std::vector<Event> events;
    std::vector<Offer> offers;       // of all resources
    std::vector<PlaceInNest> place;  // by level

    explicit Snapshot(const Phase& phase)
        : Words(phase, 2 * phase.tasks.size() + size(phase)),
          window(more(), phase.tasks.size()),
          told(more(), size(phase)),
          until(more(), phase.tasks.size()),
          place(phase.rows.size()) {}

    bool is_like(const Snapshot& other) const { return hash == other.hash && is_like_from(0, other); }
    bool is_like_but_for_items(const Snapshot& other) const { return is_like_from(item.size(), other); }

    // Work out what is told, and the hash.
    void tell() {
        i64 *items = told.begin(), *waits = items + item.size(), *helds = waits + item.size(), *busy = helds + item.size();
        for (std::size_t q = 0; q < item.size(); ++q) {
            items[q] = status[q] == DONE ? -1 : item[q];
            waits[q] = 4 * wait[q] + status[q];
            // A timed or blocked head is held at least until now: what was before is over.
            helds[q] = status[q] == OFFERED || ready[q] > now ? ready[q] - now : 0;
        }
        for (std::size_t r = 0; r < free.size(); ++r) busy[r] = std::max(free[r] - now, i64(0));
        std::uint64_t h[4] = {events.size(), 1, 2, 3};  // four at a time: they do not wait for each other
        std::size_t n = 0;
        for (; n + 4 <= told.size(); n += 4)
            for (std::size_t m = 0; m < 4; ++m) h[m] = mixed(h[m], told[n + m]);
        for (; n < told.size(); ++n) h[0] = mixed(h[0], told[n]);
        for (const Event& event : events) {
            h[0] = mixed(h[0], event.time - now);
            h[1] = mixed(h[1], event.code);
        }
        for (const Started& one : times) {
            h[1] = mixed(h[1], one.instance);
            h[2] = mixed(h[2], one.start);
            h[3] = mixed(h[3], one.end);
        }
        hash = mixed(mixed(mixed(h[0], i64(h[1])), i64(h[2])), i64(h[3]));
    }

  private:
    static std::size_t size(const Phase& phase) { return 3 * phase.queues.size() + std::size_t(phase.resources); }

    bool is_like_from(std::size_t first, const Snapshot& other) const {
        if (std::memcmp(told.begin() + first, other.told.begin() + first, std::size_t(until.end() - told.begin() - i64(first)) * sizeof(i64)))
            return false;
        if (events.size() != other.events.size()) return false;
        for (std::size_t n = 0; n < events.size(); ++n)
            if (events[n].time - now != other.events[n].time - other.now || events[n].code != other.events[n].code) return false;
        return times == other.times;
    }
};
using SnapP = std::shared_ptr<Snapshot>;

struct HashState {
    std::size_t operator()(const SnapP& snap) const { return snap->hash; }
};
struct SameState {
    bool operator()(const SnapP& a, const SnapP& b) const { return a == b || a->is_like(*b); }
};

// States that nobody holds any more are used again: their lists keep their room. Outlives all of them.
class Store {
  public:
    SnapP take(const Phase& phase) {
        std::unique_ptr<Snapshot> one;
        if (spare_.empty()) {
            one = std::make_unique<Snapshot>(phase);
        } else {
            one = std::move(spare_.back());
            spare_.pop_back();
        }
        return SnapP(one.release(), [this](Snapshot* snap) { spare_.emplace_back(snap); },
                     std::pmr::polymorphic_allocator<Snapshot>(&room));
    }

    std::pmr::unsynchronized_pool_resource room;  // of what refers to states

  private:
    std::vector<std::unique_ptr<Snapshot>> spare_;
};

// What happens from one snapshot to a later one; `peak` is absolute, as seen at `a`.
struct Step {
    SnapP a, b;
    Ints peak;
    std::vector<char> anchored;  // queues whose place relative to the reference queue matters
    i64 suspect = 0;             // the queue that kept it last from being taken at another place
};
using StepP = std::shared_ptr<Step>;

// The state after everything at `now`.
inline SnapP snapshot(Stepper& stepper, Store& store) {
    stepper.sync();
    SnapP snap = store.take(stepper.phase);
    i64 now = snap->now = stepper.now;
    snap->Words::copy(stepper);
    snap->events = stepper.events;
    snap->offers.clear();
    for (i64 r : stepper.buses) snap->offers.insert(snap->offers.end(), stepper.offers[r].begin(), stepper.offers[r].end());
    snap->times.clear();
    snap->times.reserve(16);
    for (std::size_t task = 0; task < stepper.courses.size(); ++task) {
        Course& course = stepper.courses[task];
        course.let_go(now);
        const Times& times = course.times;
        i64 reached = snap->reached[task];
        snap->window[task] = times.begin() == times.end() ? 0 : reached - times.begin()->instance;
        for (const Started* one = times.begin(); one != times.end(); ++one)
            snap->times.push_back({one->instance - reached, one->start - now, one->end - now});
        snap->until[task] = i64(snap->times.size());
    }
    snap->tell();
    return snap;
}

// The step between two snapshots. Anchored are the queues that moved, and those that were offered to a
// bus and not served: whom they lose against may depend on their slots.
inline StepP make_step(const SnapP& a, const SnapP& b, Ints peak) {
    auto step = std::make_shared<Step>();
    step->a = a;
    step->b = b;
    step->peak = std::move(peak);
    step->anchored.resize(a->slot.size());
    for (std::size_t q = 0; q < a->slot.size(); ++q)
        step->anchored[q] = a->slot[q] != b->slot[q] || a->item[q] != b->item[q] || b->status[q] == OFFERED;
    return step;
}

inline void set_times(Stepper& stepper, const Snapshot& from, i64 now) {
    i64 n = 0;
    for (std::size_t task = 0; task < stepper.courses.size(); ++task) {
        Times& times = stepper.courses[task].times;
        times.clear();
        for (; n < from.until[task]; ++n) {
            const Started& one = from.times[n];
            times.add(stepper.reached[task] + one.instance, now + one.start, now + one.end);
        }
    }
}

inline void set_events(Stepper& stepper, const Snapshot& from, i64 delta) {
    stepper.events = from.events;
    for (Event& event : stepper.events) event.time += delta;
    for (i64 r : stepper.buses) stepper.offers[r].clear();
    for (const Offer& offer : from.offers)
        stepper.offers[stepper.resource[offer.queue]].push_back({offer.ready + delta, stepper.slot[offer.queue], offer.queue});
}

// Move the stepper from `at` by `times` repeats of a step, `shift` slots from its place.
//
// A step in which no queue leaves its slot is repeated from its end: items move, not slots. Gives the
// peaks held on the way.
inline Ints apply(Stepper& stepper, const Step& step, const Snapshot& at, i64 shift, i64 ref, i64 times) {
    const Snapshot &a = *step.a, &b = *step.b;
    i64 span = b.now - a.now, stride = b.slot[ref] - a.slot[ref];
    i64 all = shift + (times - 1) * stride;
    i64 more = &at == &b && a.slot == b.slot ? times : 0;
    i64 now = stepper.now = checked(at.now + i128(span) * times, LATEST);
    i64 delta = now - b.now;
    for (std::size_t q = 0; q < step.anchored.size(); ++q) {
        if (step.anchored[q]) {
            stepper.slot[q] = b.slot[q] + all;
            stepper.item[q] = b.item[q] + more * (b.item[q] - a.item[q]);
        }
        stepper.wait[q] = b.wait[q];
        stepper.status[q] = b.status[q];
        stepper.ready[q] = b.ready[q] >= b.now || step.anchored[q] ? b.ready[q] + delta : at.ready[q];
        if (b.status[q] == BLOCKED) stepper.ready[q] = b.ready[q] <= b.now ? now : b.ready[q] + delta;
    }
    for (std::size_t task = 0; task < stepper.inner.size(); ++task)
        if (step.anchored[stepper.owner[task]])
            stepper.reached[task] =
                b.reached[task] + all * stepper.inner[task] + more * (b.reached[task] - a.reached[task]);
    set_times(stepper, b, now);
    set_events(stepper, b, delta);
    for (std::size_t r = 0; r < b.free.size(); ++r)
        stepper.free[r] = b.free[r] != a.free[r] ? b.free[r] + delta : at.free[r];
    for (std::size_t c = 0; c < b.counters.size(); ++c)
        stepper.counters[c] = at.counters[c] + times * (b.counters[c] - a.counters[c]);
    Ints grown, peaks;
    grown.reserve(b.level.size());
    peaks.reserve(stepper.groups.size());
    for (std::size_t p = 0; p < b.level.size(); ++p) {
        i64 level = at.level[p], gain = b.level[p] - a.level[p];
        i128 held = b.integral[p] - a.integral[p] - i128(a.level[p]) * span;  // above the level at the start
        stepper.integral[p] = at.integral[p] + times * (held + i128(level) * span) +
                              i128(gain) * span * (i128(times) * (times - 1) / 2);
        stepper.level[p] = checked(level + i128(gain) * times, ROOM);
        stepper.since[p] = now;
        grown.push_back(gain);
    }
    for (std::size_t g = 0; g < stepper.groups.size(); ++g) {
        i64 low = 0, gain = 0, then = 0;
        for (i64 p : stepper.groups[g]) {
            low += at.level[p];
            gain += grown[p];
            then += a.level[p];
        }
        peaks.push_back(checked(low + i128(std::max(gain, i64(0))) * (times - 1) + step.peak[g] - then, ROOM));
    }
    stepper.reattach();
    return peaks;
}

// Put the stepper at `now` where it was at `at`, each queue some slots further on. Counters and integrals
// are the caller's. `before` is an earlier state: a resource that has served nobody since stays free from
// when it was.
inline void move(Stepper& stepper, const Snapshot& at, const Snapshot& before, const Ints& slots, i64 now) {
    i64 delta = now - at.now;
    stepper.now = now;
    for (std::size_t q = 0; q < slots.size(); ++q) {
        stepper.slot[q] = at.slot[q] + slots[q];
        stepper.ready[q] = at.ready[q] + delta;
    }
    stepper.item.copy(at.item);
    stepper.wait.copy(at.wait);
    stepper.status.copy(at.status);
    for (std::size_t task = 0; task < stepper.inner.size(); ++task)
        stepper.reached[task] = at.reached[task] + slots[stepper.owner[task]] * stepper.inner[task];
    set_times(stepper, at, now);
    set_events(stepper, at, delta);
    for (std::size_t r = 0; r < at.free.size(); ++r)
        stepper.free[r] = at.free[r] == before.free[r] && at.free[r] <= at.now ? at.free[r] : at.free[r] + delta;
    stepper.level.copy(at.level);
    stepper.since.assign(at.level.size(), now);
    stepper.reattach();
}

}  // namespace accelsim
