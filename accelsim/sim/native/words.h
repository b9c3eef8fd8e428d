// The words of a state in one piece, so that a copy of a state is one copy; and its parts by name.
#pragma once
#include <cstring>

#include "phase.h"

namespace accelsim {

// Some words of a piece that somebody else owns; it is not to be taken for a list of its own.
template <class T>
class Part {
  public:
    Part(T*& at, std::size_t size) : at_(at), size_(size) { at += size; }
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

    std::size_t size() const { return size_; }
    T* begin() { return at_; }
    T* end() { return at_ + size_; }
    const T* begin() const { return at_; }
    const T* end() const { return at_ + size_; }
    T& operator[](std::size_t n) { return at_[n]; }
    const T& operator[](std::size_t n) const { return at_[n]; }
    void copy(const Part& other) { std::copy(other.begin(), other.end(), at_); }
    void copy(const std::vector<T>& other) { std::copy(other.begin(), other.end(), at_); }
    void fill(T value) { std::fill(begin(), end(), value); }
    bool operator==(const Part& other) const { return !std::memcmp(at_, other.at_, size_ * sizeof(T)); }
    bool operator!=(const Part& other) const { return !(*this == other); }

  private:
    T* at_;
    std::size_t size_;
};

// What a stepper counts up and moves on, and a snapshot keeps: by queue, task, resource, counter and pool.
class Words {
    std::size_t size_;
    std::unique_ptr<char[]> piece_;
    i128* wide_;
    i64* next_;

  public:
    Part<i128> integral;
    Part<i64> slot, item, wait, ready, status, reached, free, counters, level;

    // Not set to anything yet; with room for some words more.
    explicit Words(const Phase& phase, std::size_t more = 0)
        : size_(sizeof(i128) * phase.pools.size() + sizeof(i64) * words(phase)),
          piece_(new char[size_ + sizeof(i64) * more]),
          wide_(reinterpret_cast<i128*>(piece_.get())),
          next_(reinterpret_cast<i64*>(wide_ + phase.pools.size())),
          integral(wide_, phase.pools.size()),
          slot(next_, phase.queues.size()),
          item(next_, phase.queues.size()),
          wait(next_, phase.queues.size()),
          ready(next_, phase.queues.size()),
          status(next_, phase.queues.size()),
          reached(next_, phase.tasks.size()),
          free(next_, std::size_t(phase.resources)),
          counters(next_, std::size_t(phase.classes + phase.stalls)),
          level(next_, phase.pools.size()) {}

    void clear() { std::memset(piece_.get(), 0, size_); }
    void copy(const Words& other) { std::memcpy(piece_.get(), other.piece_.get(), size_); }

  protected:
    // Where the words after those begin.
    i64*& more() { return next_; }

  private:
    static std::size_t words(const Phase& phase) {
        return 5 * phase.queues.size() + phase.tasks.size() + phase.pools.size() + std::size_t(phase.resources + phase.classes + phase.stalls);
    }
};

}  // namespace accelsim
