// What is remembered of starts and of what is to happen: events and offers in order, times of tasks, a hash.
#pragma once
#include <cstddef>

#include "phase.h"

namespace accelsim {

// Something at a tick: an end on a resource, or the head of a queue that may start. Ends come first, then
// resources or queues in their order; `code` has all that in one word, and what an end gives in its low half.
struct Event {
    i64 time, code;

    static Event end(i64 time, i64 resource, i64 gives) { return {time, resource << 32 | gives}; }
    static Event start(i64 time, i64 queue) { return {time, START | queue << 32}; }
    bool is_start() const { return code & START; }
    i64 queue() const { return (code & ~START) >> 32; }
    i64 gives() const { return code & 0xffffffff; }
    bool operator<(const Event& other) const {
        return time != other.time ? time < other.time : code >> 32 < other.code >> 32;
    }

  private:
    static constexpr i64 START = i64(1) << 62;
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
    agenda.push_back(value);
    T *first = agenda.data(), *at = first + agenda.size() - 1;
    for (; at != first && at[-1] < value; --at) *at = at[-1];
    *at = value;
}

template <class T>
T pop(std::vector<T>& agenda) {
    T value = agenda.back();
    agenda.pop_back();
    return value;
}

// A list that has room for all that it can hold at once.
class Pile {
  public:
    explicit Pile(std::size_t room) : kept_(std::max(room, std::size_t(1))) {}
    bool empty() const { return !size_; }
    void push(i64 value) { kept_[size_++] = value; }
    i64 pop() { return kept_[--size_]; }
    void clear() { size_ = 0; }
    const i64* begin() const { return kept_.data(); }
    const i64* end() const { return kept_.data() + size_; }
    void swap(Pile& other) {
        kept_.swap(other.kept_);
        std::swap(size_, other.size_);
    }

  private:
    Ints kept_;
    std::size_t size_ = 0;
};

struct Started {
    i64 instance, start, end;
    bool operator==(const Started& other) const { return instance == other.instance && start == other.start && end == other.end; }
};

// The last starts of a task, in the order of their instances; what can hold nobody any more is let go.
class Times {
  public:
    void add(i64 instance, i64 start, i64 end) {
        if (end_ == room_) make_room();
        *end_++ = {instance, start, end};
    }

    void let_go(i64 now, i64 by_start, i64 by_end) {
        for (; first_ != end_; ++first_)
            if (first_->end + by_end > now || first_->start + by_start > now) return;
        clear();
    }

    // The last one up to an instance, or nullptr.
    const Started* up_to(i64 instance) const {
        if (first_ == end_) return nullptr;
        i64 back = end_[-1].instance - instance;  // where it is if none was passed over since
        if (back >= 0 && back < end_ - first_ && end_[-1 - back].instance == instance) return end_ - 1 - back;
        const Started* found = std::upper_bound(begin(), end(), instance, [](i64 wanted, const Started& one) { return wanted < one.instance; });
        return found == first_ ? nullptr : found - 1;
    }

    const Started* begin() const { return first_; }
    const Started* end() const { return end_; }
    void clear() { first_ = end_ = kept_.data(); }

  private:
    std::vector<Started> kept_;
    Started *first_ = nullptr, *end_ = nullptr, *room_ = nullptr;

    // At the end of what there is: from its beginning again, in more of it if half of it is taken.
    [[gnu::noinline]] void make_room() {
        std::size_t taken = std::size_t(end_ - first_);
        if (2 * taken >= kept_.size()) {
            std::vector<Started> more(std::max(std::size_t(8), 2 * kept_.size()));
            std::copy(first_, end_, more.data());
            kept_.swap(more);
        } else {
            std::copy(first_, end_, kept_.data());
        }
        first_ = kept_.data();
        end_ = first_ + taken;
        room_ = first_ + kept_.size();
    }
};

// A hash of words, word by word.
inline std::uint64_t mixed(std::uint64_t h, i64 word) {
    h ^= std::uint64_t(word);
    h *= 0xff51afd7ed558ccdu;
    return h ^ (h >> 32);
}

}  // namespace accelsim
