// What tasks are at a prefix of a level, which stands for all iterations under it: guards, classes, needs.
#pragma once
#include <numeric>

#include "phase.h"

namespace accelsim {

constexpr i64 NONE = INT64_MIN, NEVER = INT64_MIN + 1;

// A half plane at a level: the least and most that inner levels add, and what all they add is a multiple of.
struct LevelPlane {
    const Ints* coefficients;
    i64 constant, low, high, grain;
    Terms terms;  // of the digits up to the level
};

struct LevelGuard {
    Ints first, last;
    std::vector<LevelPlane> planes;
    bool is_free = true;
};

struct Bounds {
    i64 low, high;
};

class Prefixes {
  public:
    const Phase& phase;
    const Ints &rows, &counts;
    Ints tops;
    std::vector<std::vector<std::vector<Bounds>>> reach;       // by level, task, wait
    std::vector<std::vector<std::vector<LevelGuard>>> guards;  // by level, task; its own, then by wait

    explicit Prefixes(const Phase& of) : phase(of), rows(of.rows), counts(of.counts) {
        std::size_t levels = rows.size();
        reach.resize(levels);
        guards.resize(levels);
        asked_.resize(levels);
        signs_.assign(levels, 0);
        for (std::size_t n = 0; n < levels; ++n) {
            tops.push_back(phase.iterations / rows[n]);
            asked_[n].reserve(phase.tasks.size());
            reach[n].reserve(phase.tasks.size());
            guards[n].reserve(phase.tasks.size());
            for (const Task& task : phase.tasks) {
                std::vector<Bounds> bounds;
                std::vector<LevelGuard> mine;
                mine.reserve(task.waits.size() + 1);
                bounds.reserve(task.waits.size());
                mine.push_back(at_level(task.guard, n));
                for (const Wait& wait : task.waits) {
                    bounds.push_back(inside(wait.strides, n, wait.inner));
                    mine.push_back(at_level(wait.guard, n));
                }
                Asked asked;
                for (std::size_t w = 0; w < mine.size(); ++w)
                    if (!mine[w].is_free) asked.guards.push_back(w);
                for (i64 edge : task.ragged)
                    if ((edge < 0 ? ~edge : edge) <= i64(n)) asked.edges.push_back(edge);
                asked.is_free = asked.guards.empty() && asked.edges.empty();
                std::size_t size = asked.edges.size();
                for (std::size_t w : asked.guards) size += mine[w].planes.size() + 1;
                for (Seen& seen : asked.seen) seen.sign.reserve(size);
                signs_[n] += size;
                asked_[n].push_back(std::move(asked));
                reach[n].push_back(std::move(bounds));
                guards[n].push_back(std::move(mine));
            }
        }
    }

    void digits(std::size_t level, i64 prefix, Ints& found) const {
        found.resize(level + 1);
        for (std::size_t n = level + 1; n-- > 0;) {
            i64 more = quotient(prefix, counts[n]);
            found[n] = prefix - more * counts[n];
            prefix = more;
        }
    }

    // What a task is at some prefixes, from one up to another: off, or what its guards and classes are there
    // (nothing: always the same).
    struct Seen {
        i64 from = 0, until = -1;
        bool off = false;
        Ints sign;
        bool operator==(const Seen& other) const { return off == other.off && sign == other.sign; }
    };

    // What a task is at a prefix. Two places are looked at in turn; each remembers as far as what it saw last goes.
    const Seen& seen(std::size_t level, i64 number, i64 prefix, bool other = false) {
        if (prefix < 0 || prefix >= tops[level]) return outside_;
        Asked& asked = asked_[level][number];
        if (asked.is_free) return always_;
        Seen& found = asked.seen[other];
        if (prefix < found.from || prefix > found.until) see(level, number, prefix, asked, found);
        return found;
    }

    // The most words of all tasks that `seen` gives at a level.
    std::size_t signs(std::size_t level) const { return signs_[level]; }

    // The need of a wait at the digits of a prefix where its task is not off, at inner digits and k of 0;
    // NONE: guarded off.
    i64 need(std::size_t level, i64 number, std::size_t w, const Ints& at) const {
        const Wait& wait = phase.tasks[number].waits[w];
        const LevelGuard& guard = guards[level][number][w + 1];
        if (!guard.is_free) {
            if (!at_edges(guard, at)) return NONE;
            for (const LevelPlane& plane : guard.planes)
                if (value_of(plane, at) + plane.high < 0) return NONE;
        }
        i64 found = wait.offset;
        for (const Term& term : wait.terms) {
            if (term.level > i64(level)) break;
            found += term.factor * at[term.level];
        }
        return found;
    }

    // The digits of a prefix, not below 0; a few places are asked for again and again.
    const Ints& digits_at(std::size_t level, i64 prefix, bool other = false) {
        Known& known = known_[other][(std::size_t(prefix) + 5 * level) % KNOWN];
        if (known.prefix != prefix || known.digits.size() != level + 1) {
            known.prefix = prefix;
            known.digits.resize(level + 1);
            for (std::size_t n = level; n; --n) {
                known.digits[n] = prefix % counts[n];
                prefix /= counts[n];
            }
            known.digits[0] = prefix;
        }
        return known.digits;
    }

    // How often a guard stays what it is while the digit of a level moves on by `by`.
    i64 steady_guard(const LevelGuard& guard, std::size_t level, const Ints& at, i64 by) const {
        i64 mine = i64(level), end = counts[level] - 1, n = FOREVER;
        bool first = false, last = false;
        for (i64 m : guard.first) {
            if (m < mine && at[m]) return FOREVER;
            first |= m == mine;
        }
        for (i64 m : guard.last) {
            if (m < mine && at[m] != counts[m] - 1) return FOREVER;
            last |= m == mine;
        }
        if (first) {
            if (at[level]) return FOREVER;  // stays behind the first
            n = 0;
        }
        if (last) n = std::min(n, at[level] == end ? 0 : quotient(end - 1 - at[level], by));
        for (const LevelPlane& plane : guard.planes) n = std::min(n, steady_plane(plane, level, at, by));
        return n;
    }

  private:
    // What the signature of a task rests on at a level: guards that say something (its own: 0), edges of classes.
    struct Asked {
        std::vector<std::size_t> guards;
        Ints edges;
        bool is_free = true;  // neither
        Seen seen[2];
    };
    const Seen outside_{0, 0, true, {}}, always_{0, 0, false, {}};
    std::vector<std::vector<Asked>> asked_;  // by level and task
    std::vector<std::size_t> signs_;
    struct Known {
        i64 prefix = NONE;
        Ints digits;
    };
    static constexpr std::size_t KNOWN = 64;
    std::vector<Known> known_[2] = {std::vector<Known>(KNOWN), std::vector<Known>(KNOWN)};  // two places at once

    void see(std::size_t level, i64 number, i64 prefix, const Asked& asked, Seen& seen) {
        const Ints& at = digits_at(level, prefix);
        const std::vector<LevelGuard>& mine = guards[level][number];
        i64 last = counts[level] - 1, steady = last - at[level];
        seen.from = prefix;
        seen.off = false;
        seen.sign.clear();
        for (std::size_t w : asked.guards) {
            const LevelGuard& guard = mine[w];
            bool test = at_edges(guard, at);
            for (const LevelPlane& plane : guard.planes) {
                i64 value = value_of(plane, at);
                test = test && value + plane.high >= 0;
                seen.sign.push_back(value + plane.low >= 0    ? NONE
                                    : value + plane.high < 0 ? NEVER
                                                             : quotient(value, plane.grain));
                steady = std::min(steady, steady_plane(plane, level, at, 1));
            }
            for (i64 n : guard.first)
                if (n == i64(level) && at[level] == 0) steady = 0;
            for (i64 n : guard.last)
                if (n == i64(level)) steady = at[level] == last ? 0 : std::min(steady, last - 1 - at[level]);
            if (w) {
                seen.sign.push_back(test);
            } else if (!test) {
                seen.off = true;
                seen.sign.clear();
                seen.until = prefix + std::min(last - at[level], steady_guard(guard, level, at, 1));
                return;
            }
        }
        for (i64 n : asked.edges) {
            seen.sign.push_back(n < 0 ? at[~n] == 0 : at[n] == counts[n] - 1);
            if (n == i64(level)) steady = at[level] == last ? 0 : std::min(steady, last - 1 - at[level]);
            if (~n == i64(level) && at[level] == 0) steady = 0;
        }
        seen.until = prefix + steady;
    }

    // How often a plane says the same while the digit of a level moves on by `by`.
    i64 steady_plane(const LevelPlane& plane, std::size_t level, const Ints& at, i64 by) const {
        i64 step = (*plane.coefficients)[level] * by, value = value_of(plane, at);
        i64 low = value + plane.low, high = value + plane.high;
        if (step == 0 || (step > 0 && low >= 0) || (step < 0 && high < 0)) return FOREVER;
        if (low >= 0) return quotient(low, -step);
        if (high < 0) return quotient(-1 - high, step);
        i64 over = rest(value, plane.grain);
        return step > 0 ? quotient(plane.grain - 1 - over, step) : quotient(over, -step);
    }

    Bounds inside(const Ints& coefficients, std::size_t level, const Ints& inner) const {
        Bounds found{0, 0};
        if (!inner.empty()) {
            found.low = *std::min_element(inner.begin(), inner.end());
            found.high = *std::max_element(inner.begin(), inner.end());
        }
        for (std::size_t n = level + 1; n < counts.size(); ++n) {
            found.low += std::min(i64(0), coefficients[n] * (counts[n] - 1));
            found.high += std::max(i64(0), coefficients[n] * (counts[n] - 1));
        }
        return found;
    }

    LevelGuard at_level(const Guard& guard, std::size_t level) const {
        LevelGuard found;
        for (i64 n : guard.first)
            if (n <= i64(level)) found.first.push_back(n);
        for (i64 n : guard.last)
            if (n <= i64(level)) found.last.push_back(n);
        for (const Plane& plane : guard.planes) {
            Bounds bounds = inside(plane.coefficients, level, plane.inner);
            i64 grain = 0;
            for (std::size_t n = level + 1; n < counts.size(); ++n)
                if (counts[n] > 1) grain = std::gcd(grain, plane.coefficients[n]);
            for (i64 one : plane.inner) grain = std::gcd(grain, one);
            found.planes.push_back({&plane.coefficients, plane.constant, bounds.low, bounds.high, grain ? grain : 1, terms_of(upto(plane.coefficients, level))});
        }
        found.is_free = found.first.empty() && found.last.empty() && found.planes.empty();
        return found;
    }

    static Ints upto(const Ints& factors, std::size_t level) {
        return Ints(factors.begin(), factors.begin() + i64(level) + 1);
    }

    static i64 value_of(const LevelPlane& plane, const Ints& digits) {
        i64 value = plane.constant;
        for (const Term& term : plane.terms) value += term.factor * digits[term.level];
        return value;
    }

    bool at_edges(const LevelGuard& guard, const Ints& digits) const {
        for (i64 n : guard.first)
            if (digits[n] != 0) return false;
        for (i64 n : guard.last)
            if (digits[n] != counts[n] - 1) return false;
        return true;
    }
};

}  // namespace accelsim
