// Snapshots of a stepper, their keys (all that is relative), and moving a stepper by a step: sim/state.py.
#pragma once
#include <memory_resource>
#include <unordered_map>

#include "stepper.h"

namespace accelsim {

// A list of words with its hash.
struct Key {
    Ints words;
    std::size_t hash = 0;

    void close() {
        std::uint64_t h[4] = {0x9e3779b97f4a7c15u, 1, 2, 3};  // four at a time: they do not wait for each other
        std::size_t n = 0;
        for (; n + 4 <= words.size(); n += 4)
            for (std::size_t m = 0; m < 4; ++m) h[m] = mixed(h[m], words[n + m]);
        for (; n < words.size(); ++n) h[0] = mixed(h[0], words[n]);
        hash = std::size_t(mixed(mixed(mixed(h[0], i64(h[1])), i64(h[2])), i64(h[3])));
    }
    bool operator==(const Key& other) const {
        return hash == other.hash && words == other.words;
    }
};

using KeyP = std::shared_ptr<const Key>;
struct HashKey {
    std::size_t operator()(const KeyP& key) const { return key->hash; }
};
struct SameKey {
    bool operator()(const KeyP& a, const KeyP& b) const { return a == b || *a == *b; }
};
template <class T>
using ByKey = std::unordered_map<KeyP, T, HashKey, SameKey>;

// Where in the nest a state is, as a level sees it; the signature is worked out when it is asked for.
struct PlaceInNest {
    i64 offset;  // slots of the clock since its last boundary
    Ints signature;
};

// A state between two ticks; absolute, but for `window`, `times` and the key.
struct Snapshot {
    i64 now;
    Ints slot, item, wait, ready, status, reached, free, counters, level, window;
    std::vector<i128> integral;
    std::vector<Started> times;  // of all tasks: offset to reached, start and end relative to now
    Ints until;                  // by task: where its times end in that list
    std::vector<Event> events;
    std::vector<Offer> offers;   // of all resources
    Key key;                     // the items first, then the rest
    std::vector<PlaceInNest> place;  // by level
    bool same_rest(const Snapshot& other) const {
        const Ints &a = key.words, &b = other.key.words;
        return a.size() == b.size() && std::equal(a.begin() + i64(slot.size()), a.end(), b.begin() + i64(slot.size()));
    }
};
using SnapP = std::shared_ptr<Snapshot>;

// The key of a state; it keeps the state.
inline KeyP key_of(const SnapP& snap) { return KeyP(snap, &snap->key); }

// States that nobody holds any more are used again: their lists keep their room. Outlives all of them.
class Store {
  public:
    SnapP take() {
        std::unique_ptr<Snapshot> one;
        if (spare_.empty()) {
            one = std::make_unique<Snapshot>();
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
    SnapP snap = store.take();
    i64 now = snap->now = stepper.now;
    snap->slot = stepper.slot;
    snap->item = stepper.item;
    snap->wait = stepper.wait;
    snap->ready = stepper.ready;
    snap->status = stepper.status;
    snap->reached = stepper.reached;
    snap->free = stepper.free;
    snap->counters = stepper.counters;
    snap->level = stepper.level;
    snap->integral = stepper.integral;
    snap->events = stepper.events;
    snap->offers.clear();
    for (i64 r : stepper.buses) snap->offers.insert(snap->offers.end(), stepper.offers[r].begin(), stepper.offers[r].end());
    snap->place.resize(stepper.phase.rows.size());
    std::size_t queues = snap->slot.size(), tasks = stepper.times.size();
    snap->times.clear();
    snap->until.resize(tasks);
    snap->window.assign(tasks, 0);
    for (std::size_t task = 0; task < tasks; ++task) {
        Times& times = stepper.times[task];
        i64 reached = snap->reached[task];
        times.let_go(now, stepper.lag_start[task], stepper.lag_end[task]);
        if (times.begin() != times.end()) snap->window[task] = reached - times.begin()->instance;
        for (const Started* one = times.begin(); one != times.end(); ++one)
            snap->times.push_back({one->instance - reached, one->start - now, one->end - now});
        snap->until[task] = i64(snap->times.size());
    }
    Ints& words = snap->key.words;
    words.resize(4 * queues + snap->free.size() + 1 + 4 * snap->events.size() + tasks + 3 * snap->times.size());
    i64* word = words.data();
    for (std::size_t q = 0; q < queues; ++q) *word++ = snap->status[q] == DONE ? -1 : snap->item[q];
    word = std::copy(snap->wait.begin(), snap->wait.end(), word);
    word = std::copy(snap->status.begin(), snap->status.end(), word);
    for (std::size_t q = 0; q < queues; ++q)
        // A timed or blocked head is held at least until now: what was before is over.
        *word++ = snap->status[q] == OFFERED || snap->ready[q] > now ? snap->ready[q] - now : 0;
    for (i64 free : snap->free) *word++ = free > now ? free - now : 0;
    *word++ = i64(snap->events.size());
    for (const Event& event : snap->events) {
        *word++ = event.time - now;
        *word++ = event.kind;
        *word++ = event.n;
        *word++ = event.gives;
    }
    word = std::copy(snap->until.begin(), snap->until.end(), word);
    for (const Started& one : snap->times) {
        *word++ = one.instance;
        *word++ = one.start;
        *word++ = one.end;
    }
    snap->key.close();
    return snap;
}

// The step between two snapshots. Anchored are the queues that moved, and those that were offered to a
// bus and not served: whom they lose against may depend on their slots.
inline StepP make_step(const SnapP& a, const SnapP& b, Ints peak) {
    auto step = std::make_shared<Step>();
    step->a = a;
    step->b = b;
    step->peak = std::move(peak);
    for (std::size_t q = 0; q < a->slot.size(); ++q)
        step->anchored.push_back(a->slot[q] != b->slot[q] || a->item[q] != b->item[q] || b->status[q] == OFFERED);
    return step;
}

inline void set_times(Stepper& stepper, const Snapshot& from, i64 now) {
    i64 n = 0;
    for (std::size_t task = 0; task < stepper.times.size(); ++task) {
        stepper.times[task].clear();
        for (; n < from.until[task]; ++n) {
            const Started& one = from.times[n];
            stepper.times[task].add(stepper.reached[task] + one.instance, now + one.start, now + one.end);
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
    Ints grown;
    for (std::size_t p = 0; p < b.level.size(); ++p) {
        i64 level = at.level[p], gain = b.level[p] - a.level[p];
        i128 held = b.integral[p] - a.integral[p] - i128(a.level[p]) * span;  // above the level at the start
        stepper.integral[p] = at.integral[p] + times * (held + i128(level) * span) +
                              i128(gain) * span * (i128(times) * (times - 1) / 2);
        stepper.level[p] = checked(level + i128(gain) * times, ROOM);
        stepper.since[p] = now;
        grown.push_back(gain);
    }
    Ints peaks;
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
    stepper.item = at.item;
    stepper.wait = at.wait;
    stepper.status = at.status;
    for (std::size_t task = 0; task < stepper.inner.size(); ++task)
        stepper.reached[task] = at.reached[task] + slots[stepper.owner[task]] * stepper.inner[task];
    set_times(stepper, at, now);
    set_events(stepper, at, delta);
    for (std::size_t r = 0; r < at.free.size(); ++r)
        stepper.free[r] = at.free[r] == before.free[r] && at.free[r] <= at.now ? at.free[r] : at.free[r] + delta;
    stepper.level = at.level;
    stepper.since.assign(at.level.size(), now);
    stepper.reattach();
}

}  // namespace accelsim
