// Whether a run does the same at all corners of the places where it may be taken again: sim/corners.py.
//
// Every condition has to hold by itself at all corners: a guard is off everywhere for one and the same
// reason, a need is met everywhere for one and the same reason.
#pragma once
#include "gaps.h"

namespace accelsim {

// `j` drifts and `i` strides from where a run was seen.
struct Corner {
    i64 j, i;
};

// Values at the corners.
using Row = std::vector<i64>;
template <class F>
bool everywhere(const Row& row, F test) {
    return std::all_of(row.begin(), row.end(), test);
}

// One run at all corners, the first where it was seen.
class Place {
  public:
    Place(Verifier& verifier, std::size_t level, Gaps& gaps, i64 count, const Run& run, const std::vector<Corner>& at)
        : verifier_(verifier), stepper_(verifier.stepper), level_(level), row_(verifier.rows[level]), count_(count),
          top_(verifier.tops[level]), gaps_(gaps), run_(run), at_(at) {
        for (std::size_t n = at.size(); n-- > 0;)
            if (at[n].j == 0 && at[n].i == 1) strided_ = n;
        for (std::size_t q = 0; q < run.begin.size(); ++q) {
            Row begin, end;
            for (const Corner& corner : at) {
                begin.push_back(run.begin[q] * corner.j + run.stride[q] * corner.i);
                end.push_back(run.end[q] * corner.j + run.stride[q] * corner.i);
            }
            begin_.push_back(begin);
            end_.push_back(end);
        }
    }

    const Gap* gap(i64 queue) { return gaps_.of(run_, queue); }

    // Whether a task does the same at all corners of all that its queue looks at.
    bool task_fits(i64 number) {
        i64 queue = stepper_.owner[number];
        std::vector<Row> where;
        if (!prefixes(number, queue, where)) return false;
        std::vector<std::vector<Row>> digits;  // by prefix, then by digit
        for (const Row& row : where) {
            bool in = everywhere(row, [&](i64 x) { return x >= 0 && x < top_; });
            bool out = everywhere(row, [&](i64 x) { return x < 0; }) || everywhere(row, [&](i64 x) { return x >= top_; });
            if (!in && !out) return false;
            if (in) digits.push_back(split(row));
        }
        if (digits.empty()) return true;
        for (const auto& one : digits)
            if (!is_linear(one)) return false;
        const Task& task = stepper_.phase.tasks[number];
        const std::vector<LevelGuard>& guards = verifier_.guards[level_][number];
        std::vector<bool> off;
        for (const auto& one : digits) {
            auto [is_off, alike] = holds(guards[0], one);
            for (i64 edge : task.ragged) {
                i64 n = edge < 0 ? ~edge : edge;
                if (n > i64(level_)) continue;
                i64 wanted = edge < 0 ? 0 : verifier_.counts[n] - 1;
                alike = alike && (everywhere(one[n], [&](i64 x) { return x == wanted; }) ||
                                  everywhere(one[n], [&](i64 x) { return x != wanted; }));
            }
            if (!is_off && !alike) return false;
            off.push_back(is_off);
        }
        for (std::size_t w = 0; w < task.waits.size(); ++w) {
            const Wait& wait = task.waits[w];
            const Gap* between = gap(stepper_.owner[wait.producer]);
            Bounds inside = verifier_.reach[level_][number][w];
            for (std::size_t n = 0; n < digits.size(); ++n) {
                if (off[n]) continue;
                auto [none, alike] = holds(guards[w + 1], digits[n]);
                if (none) continue;
                if (!alike) return false;
                Row need(at_.size(), wait.offset);
                for (std::size_t d = 0; d < digits[n].size(); ++d)
                    if (wait.strides[d])
                        for (std::size_t c = 0; c < need.size(); ++c) need[c] += wait.strides[d] * digits[n][d][c];
                if (!met(wait.producer, need, inside, between)) return false;
            }
        }
        return true;
    }

    // Whether the queues of a bus keep the order of their slots, which decides ties.
    bool in_order() {
        const Snapshot &a = *run_.a, &b = *run_.b;
        for (i64 bus : stepper_.buses) {
            std::vector<std::pair<Row, Row>> spans;
            for (std::size_t q = 0; q < stepper_.resource.size(); ++q) {
                if (stepper_.resource[q] != bus || a.status[q] == DONE) continue;
                i64 low = a.slot[q], high = b.slot[q];
                bool still = low == high && a.item[q] == b.item[q];
                if (still && a.status[q] != OFFERED && b.status[q] != OFFERED) continue;
                if (const Gap* between = gap(i64(q))) {
                    spans.push_back({plus(begin_[q], low), plus(begin_[q], between->last)});
                    spans.push_back({plus(end_[q], between->first), plus(end_[q], high)});
                } else {
                    spans.push_back({plus(begin_[q], low), plus(begin_[q], high)});
                }
            }
            for (std::size_t n = 0; n < spans.size(); ++n)
                for (std::size_t m = 0; m < n; ++m) {
                    const auto &[low_n, high_n] = spans[n];
                    const auto &[low_m, high_m] = spans[m];
                    bool together = true, before = true, after = true;
                    for (std::size_t c = 0; c < at_.size(); ++c) {
                        together = together && low_n[c] - low_n[0] == low_m[c] - low_m[0];
                        before = before && high_n[c] < low_m[c];
                        after = after && high_m[c] < low_n[c];
                    }
                    if (!together && !before && !after) return false;
                }
        }
        return true;
    }

    // Whether a queue has nothing to do in its gap at any corner, for one reason before and after.
    bool gap_fits(i64 queue, const Gap& between) {
        for (i64 task : stepper_.used[queue]) {
            i64 shift = stepper_.shift[task];
            Row low, high, border;
            for (std::size_t c = 0; c < at_.size(); ++c) {
                low.push_back(quotient(between.last - shift, row_) + quotient(begin_[queue][c], row_));
                high.push_back(quotient(between.first - shift, row_) + quotient(end_[queue][c], row_));
                border.push_back(quotient(high[c], count_) * count_);
            }
            bool inside = true, follows = true;
            for (std::size_t c = 0; c < at_.size(); ++c) {
                inside = inside && low[c] >= border[c];
                follows = follows && quotient(low[c], count_) == quotient(border[c], count_) - 1;
            }
            std::vector<std::pair<Row, Row>> parts{{plus(low, 1), plus(border, -1)}, {border, plus(high, -1)}};
            if (inside)  // within a row
                parts = {{plus(low, 1), plus(high, -1)}};
            else if (!follows)
                return false;
            for (const auto& [first, last] : parts) {
                std::size_t empty = 0;
                for (std::size_t c = 0; c < at_.size(); ++c) empty += first[c] > last[c];
                if (empty == at_.size()) continue;
                if (empty) return false;
                Row where = first;
                where.insert(where.end(), last.begin(), last.end());
                if (!everywhere(where, [&](i64 x) { return x >= 0 && x < top_; })) return false;
                if (!holds(verifier_.guards[level_][task][0], split(where)).first) return false;
            }
        }
        return true;
    }

  private:
    static constexpr i64 MOST = 2048;  // prefixes of a task that are looked at in a run
    static constexpr i64 FAR = FOREVER / 2;
    Verifier& verifier_;
    Stepper& stepper_;
    std::size_t level_;
    i64 row_, count_, top_;
    Gaps& gaps_;
    const Run& run_;
    const std::vector<Corner>& at_;
    std::size_t strided_ = 0;  // the corner that is one stride away
    std::vector<Row> begin_, end_;  // by queue

    static Row plus(const Row& row, i64 more) {
        Row found = row;
        for (i64& x : found) x += more;
        return found;
    }

    // The prefixes that a task's queue looks at, by corner; false if they make no sense.
    bool prefixes(i64 task, i64 queue, std::vector<Row>& found) {
        i64 shift = stepper_.shift[task];
        i64 a = run_.a->slot[queue] - shift, b = run_.b->slot[queue] - shift;
        const Row &begin = begin_[queue], &end = end_[queue];
        for (std::size_t c = 0; c < at_.size(); ++c)
            if (begin[c] % row_ || end[c] % row_ || run_.b->slot[queue] + end[c] >= stepper_.slots) return false;
        const Gap* between = gap(queue);
        i64 first = quotient(a, row_), last = quotient(b, row_), stop = last, again = last + 1;
        if (between) {
            stop = quotient(between->last - shift, row_);
            again = quotient(between->first - shift, row_);
            if (stop >= again) return false;
        }
        if ((stop - first) + (between ? last - again : 0) > MOST) return false;
        for (i64 x = first; x <= stop; ++x) found.push_back(moved(x, begin));
        if (between)
            for (i64 x = again; x <= last; ++x) found.push_back(moved(x, end));
        return true;
    }

    Row moved(i64 prefix, const Row& by) const {
        Row found;
        for (i64 x : by) found.push_back(prefix + quotient(x, row_));
        return found;
    }

    std::vector<Row> split(Row where) const {
        std::vector<Row> digits(level_ + 1);
        for (std::size_t n = level_; n > 0; --n) {
            i64 count = verifier_.counts[n];
            for (i64 x : where) digits[n].push_back(rest(x, count));
            for (i64& x : where) x = quotient(x, count);
        }
        digits[0] = where;
        return digits;
    }

    // Whether digits go along the lines without carrying over.
    bool is_linear(const std::vector<Row>& digits) const {
        for (const Row& digit : digits) {
            i64 drift = digit[1] - digit[0], stride = digit[strided_] - digit[0];
            for (std::size_t c = 0; c < at_.size(); ++c)
                if (digit[c] != digit[0] + drift * at_[c].j + stride * at_[c].i) return false;
        }
        return true;
    }

    // Whether a guard is off everywhere for one reason; whether all of it is the same everywhere.
    std::pair<bool, bool> holds(const LevelGuard& guard, const std::vector<Row>& digits) const {
        bool off = false, alike = true;
        auto edge = [&](i64 level, i64 wanted) {
            off = off || everywhere(digits[level], [&](i64 x) { return x != wanted; });
            alike = alike && everywhere(digits[level], [&](i64 x) { return x == wanted; });
        };
        for (i64 level : guard.first) edge(level, 0);
        for (i64 level : guard.last) edge(level, verifier_.counts[level] - 1);
        for (const LevelPlane& plane : guard.planes) {
            Row value(digits[0].size(), plane.constant);
            for (std::size_t d = 0; d < digits.size(); ++d)
                if (i64 c = (*plane.coefficients)[d])
                    for (std::size_t n = 0; n < value.size(); ++n) value[n] += c * digits[d][n];
            i64 part = quotient(value[0], plane.grain);
            off = off || everywhere(value, [&](i64 x) { return x + plane.high < 0; });
            alike = alike && (everywhere(value, [&](i64 x) { return x + plane.low >= 0; }) ||
                              everywhere(value, [&](i64 x) { return quotient(x, plane.grain) == part; }));
        }
        return {off, alike};
    }

    // Whether needs of a producer are met everywhere in one and the same way.
    bool met(i64 task, const Row& need, Bounds inside, const Gap* between) const {
        const Snapshot &a = *run_.a, &b = *run_.b;
        i64 queue = stepper_.owner[task], inner = stepper_.inner[task], shift = stepper_.shift[task];
        i64 last = between ? (between->last + 1 - shift) * inner - 1 : FAR;
        i64 first = between ? (between->first - shift) * inner : FAR;
        bool real = true, known = true, negative = true, over = true, beyond = true;
        bool before = true, after = true, idle = true;
        for (std::size_t c = 0; c < need.size(); ++c) {
            i64 begin = begin_[queue][c] * inner, end = end_[queue][c] * inner;
            i64 least = need[c] + inside.low, most = need[c] + inside.high, moved = need[c] - need[0];
            real = real && least >= 0;
            known = known && most < a.reached[task] + begin;
            negative = negative && most < 0;
            over = over && most < a.reached[task] - a.window[task] + begin;
            beyond = beyond && least >= b.reached[task] + end;
            before = before && moved == begin && most < first + end;
            after = after && moved == end && least > last + begin;
            idle = idle && least > last + begin && most < first + end;
        }
        if (negative || over || (real && beyond) || ((real || known) && before)) return true;
        return between && real && (after || idle);
    }
};

}  // namespace accelsim
