// What is remembered of starts and of what is to happen: events and offers in order, times of tasks, a hash.
#pragma once
#include <cstddef>

#include "phase.h"

namespace accelsim {

// Something at a tick: an end on resource `n` (kind 0), or the head of queue `n` that may start (kind 1).
struct Event {
    i64 time, kind, n, gives;
    bool operator<(const Event& other) const {
        if (time != other.time) return time < other.time;
        return kind != other.kind ? kind < other.kind : n < other.n;
    }
};

struct Offer {
    i64 ready, slot, queue;
    bool operator<(const Offer& other) const {
        if (ready != other.ready) return ready < other.ready;
        return slot != other.slot ? slot < other.slot : queue < other.queue;
    }
};

// Lists of what is to come have the next at their end: they are short, and most goes in near the end.
template <class T>
void push(std::vector<T>& agenda, const T& value) {
    std::size_t n = agenda.size();
    agenda.push_back(value);
    for (; n && agenda[n - 1] < value; --n) agenda[n] = agenda[n - 1];
    agenda[n] = value;
}

template <class T>
T pop(std::vector<T>& agenda) {
    T value = agenda.back();
    agenda.pop_back();
    return value;
}

struct Started {
    i64 instance, start, end;
};

// The last starts of a task, in the order of their instances; what can hold nobody any more is let go.
class Times {
  public:
    void add(i64 instance, i64 start, i64 end) { kept_.push_back({instance, start, end}); }

    void let_go(i64 now, i64 by_start, i64 by_end) {
        while (first_ < kept_.size()) {
            const Started& one = kept_[first_];
            if ((by_end >= 0 && one.end + by_end > now) || (by_start >= 0 && one.start + by_start > now)) break;
            ++first_;
        }
        if (first_ > 64 && 2 * first_ > kept_.size()) {
            kept_.erase(kept_.begin(), kept_.begin() + i64(first_));
            first_ = 0;
        }
    }

    // The last one up to an instance, or nullptr.
    const Started* up_to(i64 instance) const {
        if (first_ == kept_.size()) return nullptr;
        i64 back = kept_.back().instance - instance;  // where it is if none was passed over since
        if (back >= 0 && back < i64(kept_.size() - first_) && kept_[kept_.size() - 1 - back].instance == instance)
            return &kept_[kept_.size() - 1 - back];
        std::size_t low = first_, high = kept_.size();
        while (low < high) {
            std::size_t middle = (low + high) / 2;
            if (kept_[middle].instance <= instance)
                low = middle + 1;
            else
                high = middle;
        }
        return low > first_ ? &kept_[low - 1] : nullptr;
    }

    const Started* begin() const { return kept_.data() + first_; }
    const Started* end() const { return kept_.data() + kept_.size(); }
    void clear() {
        kept_.clear();
        first_ = 0;
    }

  private:
    std::vector<Started> kept_;
    std::size_t first_ = 0;
};

// A hash of words, word by word.
inline std::uint64_t mixed(std::uint64_t h, i64 word) {
    h ^= std::uint64_t(word);
    h *= 0xff51afd7ed558ccdu;
    return h ^ (h >> 32);
}

}  // namespace accelsim
