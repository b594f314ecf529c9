// longjmp by all its names: a program may leave a signal handler by one, and then the handler is over.

#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"

using namespace brio::detail::posix;

extern "C" {

void brio_posix_longjmp(jmp_buf to, int value) noexcept {
    handlers_are_over();
    real.longjmp(to, value);
}

void brio_posix___longjmp_chk(jmp_buf to, int value) noexcept {
    handlers_are_over();
    real.__longjmp_chk(to, value);
}

}  // extern "C"

BRIO_INTERPOSE(longjmp);
BRIO_INTERPOSE_ALIAS(_longjmp, longjmp);
BRIO_INTERPOSE_ALIAS(siglongjmp, longjmp);
BRIO_INTERPOSE(__longjmp_chk);
