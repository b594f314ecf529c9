#include "reactor/uring_ring.hpp"

#include "base/invariant.hpp"
#include "base/private_descriptor.hpp"
#include "base/system_call.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace brio::inline v0 {
namespace detail {

namespace {

void* map(std::size_t size, int flags, int fd, std::uint64_t offset) {
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, fd,
                            static_cast<off_t>(offset));
    if (at == MAP_FAILED) throw std::system_error(errno, std::system_category(), "io_uring: mmap");
    ::madvise(at, size, MADV_DONTFORK);
    return at;
}

/// `wanted` without those that the bits of `given_up` name.
ring_features reduced(const ring_features& wanted, unsigned given_up) {
    ring_features f = wanted;
    if ((given_up & 1) != 0) f.defer_taskrun = false;
    if ((given_up & 2) != 0) f.no_sqarray = false;
    if ((given_up & 4) != 0) f.registered_ring_only = false;
    return f;
}

unsigned setup_flags(const ring_features& f) {
    unsigned flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_TASKRUN_FLAG;
    flags |= f.defer_taskrun ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN
                             : IORING_SETUP_COOP_TASKRUN;
    if (f.no_sqarray) flags |= uring_abi::setup_no_sqarray;
    if (f.registered_ring_only)
        flags |= uring_abi::setup_no_mmap | uring_abi::setup_registered_fd_only;
    return flags;
}

}  // namespace

uring_ring::uring_ring(unsigned entries, unsigned completions, const ring_features& wanted)
    : uring_ring() {
    const io_uring_params p = set_up(entries, completions, wanted);
    find_queues(p);
    used_.no_iowait = wanted.no_iowait && (p.features & uring_abi::feature_no_iowait) != 0;
    used_.futex = wanted.futex && knows_opcode(uring_abi::op_futex_wait);
    sleep_flags_ = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    if (used_.no_iowait) sleep_flags_ |= uring_abi::enter_no_iowait;
}

uring_ring::~uring_ring() {
    if ((enter_flags_ & IORING_ENTER_REGISTERED_RING) != 0) {
        // A registered ring stays until its index is given up, or its thread ends.
        io_uring_rsrc_update place{};
        place.offset = static_cast<unsigned>(handle_);
        call_register(IORING_UNREGISTER_RING_FDS, &place, 1);
    }
    if (descriptor_ >= 0) close_private(descriptor_);
    release_memory();
}

void uring_ring::abandon() noexcept {
    enter_flags_ = 0;  // its index may now stand for a ring of the child's own
    rings_ = nullptr;  // not mapped in a child
    sqes_ = nullptr;
}

// ------------------------------------------------------------------------------------ setting up

/// The best ring that the kernel gives. What it refuses differs between versions and with limits
/// (16 registered rings a thread; memory that must be contiguous, before Linux 6.10), so it is
/// asked for one combination after another, best first.
io_uring_params uring_ring::set_up(unsigned entries, unsigned completions,
                                   const ring_features& wanted) {
    int error = EINVAL;
    for (unsigned given_up = 0; given_up < 8; ++given_up) {
        used_ = reduced(wanted, given_up);
        io_uring_params p{};
        p.cq_entries = completions;
        error = try_set_up(p, entries);
        if (error == 0) return p;
        if (error == EPERM || error == EACCES || error == ENOSYS) break;  // whatever we ask for
    }
    throw std::system_error(error, std::system_category(), "io_uring_setup");
}

/// 0 or an errno. Fills `p`, the handle and the memory.
int uring_ring::try_set_up(io_uring_params& p, unsigned entries) {
    p.flags = setup_flags(used_);
    if (used_.registered_ring_only) {
        p.sq_entries = entries;
        provide_memory(p);
    }
    handle_ = static_cast<int>(::syscall(SYS_io_uring_setup, entries, &p));
    if (handle_ < 0) {
        const int error = errno;
        release_memory();
        return error;
    }
    if (used_.registered_ring_only) {
        enter_flags_ = IORING_ENTER_REGISTERED_RING;
    } else {
        descriptor_ = handle_ = private_descriptor(handle_);
        map_memory(p);
        register_descriptor();
    }
    return 0;
}

void uring_ring::provide_memory(io_uring_params& p) {
    constexpr std::size_t header = 4096;  // more than the kernel's struct before its arrays
    rings_size_ = header + p.cq_entries * sizeof(io_uring_cqe) + p.sq_entries * sizeof(unsigned);
    sqes_size_ = p.sq_entries * sizeof(io_uring_sqe);
    rings_ = map(rings_size_, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sqes_ = static_cast<io_uring_sqe*>(map(sqes_size_, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    // The last field of both is user_addr in newer headers.
    p.cq_off.resv2 = reinterpret_cast<std::uintptr_t>(rings_);
    p.sq_off.resv2 = reinterpret_cast<std::uintptr_t>(sqes_);
}

void uring_ring::map_memory(const io_uring_params& p) {
    const std::size_t cq_end = p.cq_off.cqes + p.cq_entries * sizeof(io_uring_cqe);
    const std::size_t sq_end = p.sq_off.array + p.sq_entries * sizeof(unsigned);
    rings_size_ = cq_end > sq_end ? cq_end : sq_end;
    sqes_size_ = p.sq_entries * sizeof(io_uring_sqe);
    rings_ = map(rings_size_, MAP_SHARED, handle_, IORING_OFF_SQ_RING);
    sqes_ = static_cast<io_uring_sqe*>(map(sqes_size_, MAP_SHARED, handle_, IORING_OFF_SQES));
}

void uring_ring::find_queues(const io_uring_params& p) noexcept {
    const auto at = [this](unsigned offset) {
        return reinterpret_cast<unsigned*>(static_cast<char*>(rings_) + offset);
    };
    sq_tail_ = at(p.sq_off.tail);
    sq_flags_ = at(p.sq_off.flags);
    cq_head_ = at(p.cq_off.head);
    cq_tail_ = at(p.cq_off.tail);
    cqes_ = reinterpret_cast<io_uring_cqe*>(at(p.cq_off.cqes));
    entries_ = p.sq_entries;
    cq_mask_ = p.cq_entries - 1;
    if (used_.no_sqarray) return;
    for (unsigned i = 0; i < entries_; ++i) at(p.sq_off.array)[i] = i;
}

/// Spares each enter the look-up of the descriptor. Not every thread has a place left: no matter.
void uring_ring::register_descriptor() noexcept {
    io_uring_rsrc_update place{};
    place.offset = UINT32_MAX;  // any
    place.data = static_cast<std::uint64_t>(descriptor_);
    if (call_register(IORING_REGISTER_RING_FDS, &place, 1) != 1) return;
    handle_ = static_cast<int>(place.offset);
    enter_flags_ = IORING_ENTER_REGISTERED_RING;
}

int uring_ring::register_eventfd(int fd) noexcept {
    return static_cast<int>(-call_register(IORING_REGISTER_EVENTFD, &fd, 1));
}

void uring_ring::unregister_eventfd() noexcept {
    call_register(IORING_UNREGISTER_EVENTFD, nullptr, 0);
}

bool uring_ring::knows_opcode(std::uint8_t opcode) const noexcept {
    // struct io_uring_probe and its flexible array: 16 bytes, then 8 for each opcode.
    constexpr unsigned most = 64;
    alignas(io_uring_probe) unsigned char
        answer[sizeof(io_uring_probe) + most * sizeof(io_uring_probe_op)] = {};
    if (call_register(IORING_REGISTER_PROBE, answer, most) != 0) return false;
    const auto& probe = *reinterpret_cast<const io_uring_probe*>(answer);
    return opcode <= probe.last_op && (probe.ops[opcode].flags & IO_URING_OP_SUPPORTED) != 0;
}

long uring_ring::call_register(unsigned opcode, void* argument, unsigned count) const noexcept {
    if (descriptor_ >= 0)
        return system_call(SYS_io_uring_register, descriptor_, opcode, argument, count);
    return system_call(SYS_io_uring_register, handle_,
                       opcode | uring_abi::register_use_registered_ring, argument, count);
}

void uring_ring::release_memory() noexcept {
    if (rings_ != nullptr) ::munmap(rings_, rings_size_);
    if (sqes_ != nullptr) ::munmap(sqes_, sqes_size_);
    rings_ = nullptr;
    sqes_ = nullptr;
}

// ------------------------------------------------------------------------------ into the kernel

void uring_ring::enter(unsigned least, unsigned flags, const void* argument,
                       std::size_t size) noexcept {
    std::atomic_ref(*sq_tail_).store(tail_, std::memory_order_release);
    const long taken = system_call(SYS_io_uring_enter, handle_, queued_, least,
                                   flags | enter_flags_, argument, size);
    if (taken >= 0) {
        queued_ -= static_cast<unsigned>(taken);
    } else {
        // ETIME, EINTR: the sleep is over. EAGAIN, EBUSY, ENOMEM: the kernel is short of memory, or
        // wants its completions collected first; what is queued stays queued.
        invariant(taken == -ETIME || taken == -EINTR || taken == -EAGAIN || taken == -EBUSY ||
                      taken == -ENOMEM,
                  "io_uring_enter failed");
    }
}

void uring_ring::submit() noexcept {
    enter(0, 0, nullptr, 0);
}

void uring_ring::submit_and_poll() noexcept {
    enter(0, IORING_ENTER_GETEVENTS, nullptr, 0);
}

void uring_ring::submit_and_sleep(const __kernel_timespec* limit) noexcept {
    io_uring_getevents_arg argument{};
    argument.ts = reinterpret_cast<std::uintptr_t>(limit);
    enter(1, sleep_flags_, &argument, sizeof argument);
}

}  // namespace detail
}  // namespace brio::inline v0
