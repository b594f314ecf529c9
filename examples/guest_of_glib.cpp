// Tasks inside a GLib program, of GTK say: Brio's loop is a source of the main loop.

#include <brio/brio.hpp>

#include <chrono>
#include <cstdio>
#include <glib-unix.h>
#include <glib.h>

using namespace std::chrono_literals;

static gboolean run_guest(gint, GIOCondition, gpointer loop) {
    static_cast<brio::event_loop*>(loop)->run_once(0s);
    return G_SOURCE_CONTINUE;
}

int main() {
    brio::runner runner;
    brio::event_loop& guest = runner.get_loop();
    GMainLoop* const host = g_main_loop_new(nullptr, FALSE);
    const guint source = g_unix_fd_add(guest.fd(), G_IO_IN, &run_guest, &guest);

    // A signal handler of GTK would do the same: it starts a task, and does not wait for it.
    auto clicked = guest.create_future<int>();
    g_timeout_add(
        20,
        [](gpointer f) -> gboolean {
            std::puts("host: click");
            static_cast<brio::future<int>*>(f)->set_result(7);
            return G_SOURCE_REMOVE;
        },
        &clicked);

    guest.create_task([&] {
        std::printf("guest: %d\n", clicked.await());
        for (int i = 1; i <= 2; ++i) {
            brio::sleep(10ms);
            std::printf("guest: tick %d\n", i);
        }
        g_main_loop_quit(host);
    });
    g_main_loop_run(host);
    g_source_remove(source);
    g_main_loop_unref(host);
}

// Prints:
//   host: click
//   guest: 7
//   guest: tick 1
//   guest: tick 2
