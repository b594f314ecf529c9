#pragma once
// OpenSSL's queue of errors. OpenSSL has one for each thread; here each fiber has its own, so that what one
// has left there is not taken by another for its own failure.
//
// 1. Where OpenSSL is among the program's libraries a fiber has the queue for itself from its first wait in
//    the layer for I/O, time or a child to its end. Others find none of its errors, and it none of theirs.
// 2. OpenSSL's public functions move the errors, so marks (ERR_set_mark) do not survive a suspension.
// 3. OpenSSL 3 is looked for at each fiber's first wait, until it has been found: it may be loaded late.
//    Who has waited before that shares the thread's queue with others like him.

#include <string>
#include <vector>

namespace brio::inline v0::detail::posix {

void look_for_openssl() noexcept;
[[nodiscard]] bool has_openssl() noexcept;

class openssl_errors {
public:
    /// On the fiber, outside of a switch: OpenSSL makes the thread's queue, which may take locks.
    openssl_errors() noexcept;
    /// What the thread's queue has and what is kept here change places. Leaves errno alone.
    void exchange() noexcept;

private:
    struct entry {
        unsigned long code;
        int line;
        bool has_text;
        std::string file, function, text;
    };
    static bool take(entry& e) noexcept;
    static void put(const entry& e) noexcept;
    static std::vector<entry> take_all() noexcept;

    std::vector<entry> kept_;
};

}  // namespace brio::inline v0::detail::posix
