// Links brio::tls, and OpenSSL by way of it.
#include <brio/brio.hpp>
#include <brio/tls.hpp>

#include <cstdio>

int main() {
    const auto tls = brio::tls_context::client();
    try {
        (void)brio::tls_context::client({.ca_pem = "no certificate"});
    } catch (const std::exception& e) {
        std::printf("secure: %s\n", e.what());
        return 0;
    }
    return 1;
}
