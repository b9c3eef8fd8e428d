// Runs phases from files of words with whatever checks the compiler puts in: prints ticks and statistics.
#include <cstdio>
#include <fstream>

#include "jump.h"

int main(int count, char** paths) {
    using accelsim::i64;
    for (int n = 1; n < count; ++n) {
        std::ifstream file(paths[n], std::ios::binary | std::ios::ate);
        std::vector<i64> words(std::size_t(file.tellg()) / sizeof(i64));
        file.seekg(0);
        file.read(reinterpret_cast<char*>(words.data()), std::streamsize(words.size() * sizeof(i64)));
        accelsim::Jump jump(words.data(), {0, 0, 0, 0, 0}, -1, 64);
        while (jump.go(1000) == accelsim::Jump::RUNNING) {
        }
        i64 ticks = 0;
        for (i64 free : jump.stepper.free) ticks = std::max(ticks, free);
        const accelsim::Statistics& did = jump.statistics;
        std::printf("%lld %lld %lld %lld\n", (long long)ticks, (long long)did.walked, (long long)did.jumps(), (long long)did.looks);
    }
}
