// What is remembered of one loop level: the states seen, the steps between them, when to look: sim/level.py.
#pragma once
#include <unordered_set>

#include "trail.h"

namespace accelsim {

// What is remembered of one loop level; `trail`: where rows under a mask may be alike.
struct Level {
    ByPlace<std::vector<StepP>> memo;
    std::unique_ptr<Trail> trail;
    std::vector<SnapP> history;
    Ints peaks;  // step by step, by group: absolute, as seen at its first state
    ByPlace<std::size_t> index;
    std::optional<Ints> peak;
    i64 walked = 0, misses = 0, skip = 0, prefix = 0;
    bool recalled = false;  // the open step was taken from the memo
    std::pmr::unordered_set<std::uint64_t> seen;  // what states looked like at a glance

    static constexpr i64 BURST = SPAN, SKIP = 65'536;
    static constexpr std::size_t SEEN = 100'000;

    Level(Verifier& verifier, std::size_t level, Store& store)
        : memo(0, HashPlace{level}, SamePlace{verifier, level}, &store.room),
          index(0, HashPlace{level}, SamePlace{verifier, level}, &store.room),
          seen(&store.room) {}

    // After every burst of misses but the first pass by more boundaries unseen than before.
    void miss(bool innermost) {
        if (++misses > BURST && misses % BURST == 0 && innermost) skip = std::min(misses, SKIP);
    }

    // Whether a state may be one that is known: after a burst of misses only if it looks like one.
    bool is_worth(std::uint64_t look) {
        if (seen.count(look)) return true;
        if (seen.size() >= SEEN) seen.clear();
        seen.insert(look);
        return misses < BURST;
    }

    void forget() {
        history.clear();
        peaks.clear();
        index.clear();
        peak.reset();
        walked = 0;
        recalled = false;
    }

    void forget_all() {
        forget();
        if (trail) trail->forget();
    }
};

using Levels = std::vector<std::unique_ptr<Level>>;

}  // namespace accelsim
