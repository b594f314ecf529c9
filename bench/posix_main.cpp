// The programs that only make measurements for brio-bench.

#include "fresh_process.hpp"

#include <iostream>

int main(int argc, char** argv) {
    int status = 0;
    if (bench::made_measurement(argc, argv, status)) return status;
    std::cerr << "brio-bench starts this program\n";
    return 2;
}
