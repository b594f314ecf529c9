#include "tls/channel.hpp"

#include "base/invariant.hpp"
#include "net/failure.hpp"
#include "scheduler/park.hpp"
#include "tls/facts.hpp"
#include "tls/time_limit.hpp"

#include <brio/error.hpp>
#include <brio/tls.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <span>
#include <system_error>
#include <utility>

namespace brio::inline v0::detail {

namespace {

constexpr std::size_t record_size = SSL3_RT_MAX_PLAIN_LENGTH;  // bytes; what is encrypted at once
constexpr std::size_t most_answers = 4 * record_size;          // bytes

[[nodiscard]] bool has_heard_goodbye(const SSL* ssl) noexcept {
    return (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

}  // namespace

class tls_channel::reader_turn {
public:
    explicit reader_turn(tls_channel& c) noexcept : channel_(c) { c.reading_ = true; }
    reader_turn(const reader_turn&) = delete;
    reader_turn& operator=(const reader_turn&) = delete;
    ~reader_turn();

private:
    tls_channel& channel_;
};

class tls_channel::reader_left final : public private_wait {
public:
    reader_left() : private_wait(require_fiber("close")) {}
    std::string describe() const override { return "the goodbye of a TLS connection"; }
};

tls_channel::reader_turn::~reader_turn() {
    channel_.reading_ = false;
    if (channel_.closer_ != nullptr) channel_.closer_->finish();
}

tls_channel::tls_channel(std::unique_ptr<byte_channel> below, const tls_settings& settings,
                         ssl_ptr ssl, std::string_view host)
    : below_(std::move(below)),
      ssl_(std::move(ssl)),
      received_(SSL_get_rbio(ssl_.get())),
      made_(SSL_get_wbio(ssl_.get())),
      host_(host),
      handshake_timeout_(settings.handshake_timeout),
      shutdown_timeout_(settings.shutdown_timeout),
      suppress_ragged_eofs_(settings.suppress_ragged_eofs) {}

std::string tls_channel::peer() const {
    if (!host_.empty()) return host_;
    std::string name = below_->extra_info("peername");
    return name.empty() ? "its peer" : name;
}

// ---------------------------------------------------------------------------- what OpenSSL is asked

/// One call, which sets its argument to a count of bytes and returns 1, or fails. The count; 0 after
/// the peer's goodbye; nothing when more ciphertext is wanted. `what` and the peer name it in errors.
template <class Call>
std::optional<std::size_t> tls_channel::ask(const char* what, Call call) {
    std::error_code error;
    {
        const openssl_call quiet;
        std::size_t count = 0;
        const int result = call(count);
        if (result > 0) return count;
        const int reason = SSL_get_error(ssl_.get(), result);
        if (reason == SSL_ERROR_WANT_READ) return std::nullopt;
        if (reason == SSL_ERROR_ZERO_RETURN) return 0;
        error = take_error(ssl_.get());
    }
    send_at_once();  // the alert that tells the peer why
    throw_tls_error(error, std::string(what) + " " + peer());
}

std::size_t tls_channel::encrypt(bytes_view data) {
    const auto taken = ask("TLS write to", [&](std::size_t& count) {
        return SSL_write_ex(ssl_.get(), data.data(), std::min(data.size(), record_size), &count);
    });
    // It would want to read in a renegotiation, and those are refused.
    invariant(taken.has_value(), "TLS encrypts without hearing from the peer");
    return *taken;
}

// --------------------------------------------------------------------------------------- ciphertext

/// Whether there is some in unsent_.
bool tls_channel::collect() {
    if (sent_ < unsent_.size()) return true;
    sent_ = 0;
    unsent_.resize(BIO_ctrl_pending(made_));
    if (unsent_.empty()) return false;
    BIO_read(made_, unsent_.data(), static_cast<int>(unsent_.size()));
    return true;
}

/// Whether that was all. Nobody is sending.
bool tls_channel::send_what_fits() {
    while (collect()) {
        const std::size_t n = below_->try_write(std::span(unsent_).subspan(sent_));
        if (n == 0) return false;
        sent_ += n;
    }
    return true;
}

/// For those who do not wait. A connection that is broken will tell the next one who writes.
void tls_channel::send_at_once() noexcept try {
    if (!sending_) send_what_fits();
} catch (const std::exception&) {
    return;
}

/// Suspends until all is handed down; not when somebody else is at it, who will take this along.
void tls_channel::send_all() {
    if (sending_) return;
    struct turn {
        bool& taken;
        ~turn() { taken = false; }
    } const turn{sending_ = true};
    while (collect()) sent_ += below_->write(std::span(unsent_).subspan(sent_));
}

/// Suspends for ciphertext from below; false when there will be no more.
bool tls_channel::receive() {
    std::array<char, record_size> part;
    const std::size_t n = below_->read(part);
    if (n > 0 && BIO_write(received_, part.data(), static_cast<int>(n)) <= 0)
        throw std::bad_alloc();
    return n > 0;
}

// -------------------------------------------------------------------------------------- the channel

void tls_channel::handshake() {
    if (out_of_time(*below_, handshake_timeout_, [this] { shake_hands(); }))
        throw std::system_error(
            std::make_error_code(std::errc::connection_aborted),
            "TLS handshake with " + peer() + " took longer than handshake_timeout");
}

void tls_channel::shake_hands() {
    const auto step = [this](std::size_t&) { return SSL_do_handshake(ssl_.get()); };
    while (!ask("TLS handshake with", step)) {
        send_all();
        if (!receive()) throw_io_error(ECONNRESET, "TLS handshake with", peer());
    }
    // A goodbye, which anybody on the way can say for the peer, ends the loop too.
    if (!SSL_is_init_finished(ssl_.get())) throw_io_error(ECONNRESET, "TLS handshake with", peer());
    send_all();
}

std::size_t tls_channel::read(bytes_out out) {
    if (closing_ || out.size() == 0) return 0;
    const reader_turn turn(*this);
    const auto count = read_on(out);
    if (closing_) return 0;
    if (!count && !suppress_ragged_eofs_)
        throw tls_error(std::make_error_code(std::errc::connection_aborted),
                        "TLS read from " + peer() + ": it ended without a goodbye (close_notify)");
    return count.value_or(0);
}

/// As read(); nothing at an end without a goodbye.
std::optional<std::size_t> tls_channel::read_on(bytes_out out) {
    do {
        const auto count = ask("TLS read from", [&](std::size_t& n) {
            return SSL_read_ex(ssl_.get(), out.data(), out.size(), &n);
        });
        send_at_once();
        if (BIO_ctrl_pending(made_) > most_answers)
            throw tls_error(std::make_error_code(std::errc::no_buffer_space),
                            "TLS read from " + peer() +
                                ": it asks for new keys again and again, and reads no answer");
        if (count) return count;
    } while (receive());
    return std::nullopt;
}

std::size_t tls_channel::write(bytes_view data) {
    if (data.size() == 0) return 0;
    if (promised_ == 0) promised_ = encrypt(data);
    send_all();
    return take_promised(data.size());
}

std::size_t tls_channel::try_write(bytes_view data) {
    const char* const bytes = static_cast<const char*>(data.data());
    std::size_t taken = 0;
    while (!sending_ && taken < data.size()) {
        if (promised_ == 0) promised_ = encrypt(std::span(bytes + taken, data.size() - taken));
        if (!send_what_fits()) break;
        taken += take_promised(data.size() - taken);
    }
    return taken;
}

std::size_t tls_channel::take_promised(std::size_t most) noexcept {
    const std::size_t taken = std::min(promised_, most);
    promised_ -= taken;
    return taken;
}

bool tls_channel::can_write_eof() const noexcept {
    return SSL_version(ssl_.get()) >= TLS1_3_VERSION;
}

void tls_channel::write_eof() {
    say_goodbye();
}

void tls_channel::say_goodbye() {
    {
        const openssl_call quiet;
        // Fails where the connection is broken: then there is nothing to say.
        if ((SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0) SSL_shutdown(ssl_.get());
    }
    send_at_once();  // before a cancel may stop it
    send_all();
}

void tls_channel::close() {
    if (std::exchange(closing_, true)) return;
    try {
        if (out_of_time(*below_, shutdown_timeout_, [this] { part(); }))
            throw timeout_error("TLS shutdown with " + peer() +
                                " took longer than shutdown_timeout");
    } catch (...) {
        below_->abort();
        throw;
    }
    below_->close();
}

/// Says goodbye, and waits until the peer has: or has ended, or sent what nobody wants any more.
void tls_channel::part() {
    try {
        say_goodbye();
    } catch (const std::system_error&) {
        if (!has_heard_goodbye(ssl_.get())) throw;  // a peer that has said it need not listen
    }
    if (has_heard_goodbye(ssl_.get())) return;
    if (reading_) return wait_for_reader();
    std::array<char, 1> unwanted;
    (void)read_on(unwanted);
}

void tls_channel::wait_for_reader() {
    struct registration {
        reader_left*& closer;
        registration(reader_left*& slot, reader_left& wait) noexcept : closer(slot) {
            closer = &wait;
        }
        registration(const registration&) = delete;
        registration& operator=(const registration&) = delete;
        ~registration() { closer = nullptr; }
    };
    reader_left turn;
    const registration mine(closer_, turn);
    turn.wait();
}

void tls_channel::abort() noexcept {
    closing_ = true;
    below_->abort();
}

std::string tls_channel::extra_info(std::string_view name) const {
    if (auto fact = fact_of(ssl_.get(), name)) return std::move(*fact);
    return below_->extra_info(name);
}

}  // namespace brio::inline v0::detail
