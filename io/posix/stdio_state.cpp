// stdio calls that flush, move, close or lock a FILE.
//
// 1. What is closed is written out first, and is not cut short: nobody could try again. Then the layer
//    forgets the descriptor, as for close(2).
// 2. libc's fclose takes the FILE's lock while it has the list's. A thread that waits for a fiber there
//    would keep the fiber's own thread out of fopen for ever, so it waits before.

#include "posix/descriptors.hpp"
#include "posix/interpose.hpp"
#include "posix/libc_stdio.hpp"
#include "posix/stdio_files.hpp"

#include <optional>
#include <utility>

namespace brio::inline v0::detail::posix {

namespace {

/// The number is about to be closed, inside libc.
void forget_descriptor_of(FILE* file) noexcept {
    const int before = errno;
    const int fd = ::fileno_unlocked(file);
    errno = before;
    forget(fd);
    if (fd >= 0) forget_in_reactor(fd);
}

/// Rule 1. EOF: something could not be written.
int write_out(FILE* file) {
    return __fpending(file) == 0 ? 0 : libc_stdio().fflush(file);
}

int close_on_fiber(FILE* file, file_claim& claim) {
    const int written = write_out(file);
    const int error = errno;
    forget_descriptor_of(file);
    claim.before_fclose();
    const int closed = libc_stdio().fclose(file);
    if (written == 0) return closed;
    errno = error;
    return EOF;
}

int close_elsewhere(FILE* file) {
    if (suspension_in_file::anywhere()) {  // rule 2
        libc_stdio().flockfile(file);
        libc_stdio().funlockfile(file);
    }
    forget_descriptor_of(file);
    return libc_stdio().fclose(file);
}

std::optional<not_cut_short> whole_on_fiber() noexcept {
    if (fiber* const self = suspendable_fiber())
        return std::optional<not_cut_short>(std::in_place, *self);
    return {};
}

}  // namespace
}  // namespace brio::inline v0::detail::posix

using namespace brio;
using namespace brio::detail;
using namespace brio::detail::posix;

extern "C" {

int brio_posix_fflush(FILE* file) {
    if (file == nullptr) return stdio_suspends() ? flush_all_files() : libc_stdio().fflush(nullptr);
    return on_file(file, [=] { return libc_stdio().fflush(file); });
}
int brio_posix_fflush_unlocked(FILE* file) {
    if (file == nullptr) return brio_posix_fflush(nullptr);
    return on_file(file, [=] { return libc_stdio().fflush_unlocked(file); });
}

int brio_posix_fclose(FILE* file) {
    const auto whole = whole_on_fiber();
    return with_claim(file, [=](file_claim* claim) {
        return claim != nullptr ? close_on_fiber(file, *claim) : close_elsewhere(file);
    });
}
FILE* brio_posix_freopen(const char* name, const char* mode, FILE* file) {
    const auto whole = whole_on_fiber();
    return on_file(file, [=] {
        (void)write_out(file);
        forget_descriptor_of(file);
        return libc_stdio().freopen(name, mode, file);
    });
}

int brio_posix_fseek(FILE* file, long offset, int from) {
    return on_file(file, [=] { return libc_stdio().fseek(file, offset, from); });
}
int brio_posix_fseeko(FILE* file, off_t offset, int from) {
    return on_file(file, [=] { return libc_stdio().fseeko(file, offset, from); });
}
long brio_posix_ftell(FILE* file) {
    return on_file(file, [=] { return libc_stdio().ftell(file); });
}
off_t brio_posix_ftello(FILE* file) {
    return on_file(file, [=] { return libc_stdio().ftello(file); });
}
void brio_posix_rewind(FILE* file) {
    on_file(file, [=] { libc_stdio().rewind(file); });
}
int brio_posix_fgetpos(FILE* file, fpos_t* position) {
    return on_file(file, [=] { return libc_stdio().fgetpos(file, position); });
}
int brio_posix_fsetpos(FILE* file, const fpos_t* position) {
    return on_file(file, [=] { return libc_stdio().fsetpos(file, position); });
}
// long has 64 bits, and so has what is in a position.
int brio_posix_fgetpos64(FILE* file, fpos64_t* position) {
    return brio_posix_fgetpos(file, reinterpret_cast<fpos_t*>(position));
}
int brio_posix_fsetpos64(FILE* file, const fpos64_t* position) {
    return brio_posix_fsetpos(file, reinterpret_cast<const fpos_t*>(position));
}

int brio_posix_setvbuf(FILE* file, char* buffer, int mode, size_t size) noexcept {
    return on_file(file, [=] { return libc_stdio().setvbuf(file, buffer, mode, size); });
}
void brio_posix_setbuffer(FILE* file, char* buffer, size_t size) noexcept {
    (void)brio_posix_setvbuf(file, buffer, buffer == nullptr ? _IONBF : _IOFBF, size);
}
void brio_posix_setbuf(FILE* file, char* buffer) noexcept {
    brio_posix_setbuffer(file, buffer, BUFSIZ);
}
void brio_posix_setlinebuf(FILE* file) noexcept {
    (void)brio_posix_setvbuf(file, nullptr, _IOLBF, 0);
}

void brio_posix_flockfile(FILE* file) noexcept {
    const landing when_left;
    fiber* const self = stdio_suspends() ? served_fiber() : nullptr;
    return self == nullptr ? libc_stdio().flockfile(file) : keep_claim(*self, file);
}
int brio_posix_ftrylockfile(FILE* file) noexcept {
    fiber* const self = stdio_suspends() ? served_fiber() : nullptr;
    if (is_claimed(self, file)) return EBUSY;
    const int tried = libc_stdio().ftrylockfile(file);
    if (tried != 0 || self == nullptr) return tried;
    keep_claim(*self, file);  // does not wait, and locks once more
    libc_stdio().funlockfile(file);
    return 0;
}
void brio_posix_funlockfile(FILE* file) noexcept {
    const fiber* const self = stdio_suspends() ? served_fiber() : nullptr;
    if (self == nullptr || !end_kept_claim(*self, file)) libc_stdio().funlockfile(file);
}

}  // extern "C"

BRIO_INTERPOSE(fflush);
BRIO_INTERPOSE(fflush_unlocked);
BRIO_INTERPOSE(fclose);
BRIO_INTERPOSE(freopen);
BRIO_INTERPOSE_ALIAS(freopen64, freopen);
BRIO_INTERPOSE(fseek);
BRIO_INTERPOSE(fseeko);
BRIO_INTERPOSE_ALIAS(fseeko64, fseeko);
BRIO_INTERPOSE(ftell);
BRIO_INTERPOSE(ftello);
BRIO_INTERPOSE_ALIAS(ftello64, ftello);
BRIO_INTERPOSE(rewind);
BRIO_INTERPOSE(fgetpos);
BRIO_INTERPOSE(fgetpos64);
BRIO_INTERPOSE(fsetpos);
BRIO_INTERPOSE(fsetpos64);
BRIO_INTERPOSE(setvbuf);
BRIO_INTERPOSE(setbuf);
BRIO_INTERPOSE(setbuffer);
BRIO_INTERPOSE(setlinebuf);
BRIO_INTERPOSE(flockfile);
BRIO_INTERPOSE(ftrylockfile);
BRIO_INTERPOSE(funlockfile);
