"""Real servers, each in a directory of its own while a context lasts. Where one is not installed: status 77."""
import contextlib
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from sites import PATIENCE

NOT_INSTALLED = 77


def program(name, *places):
    """Where a server's program is, also outside PATH."""
    for place in places:
        found = sorted(glob.glob(place))
        if found:
            return found[-1]
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        print(f"{name} is not installed")
        sys.exit(NOT_INSTALLED)
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@contextlib.contextmanager
def running(command, directory, is_ready, stop=signal.SIGTERM):
    """Runs a server until the context ends; begins it when the server is ready."""
    log = pathlib.Path(directory, "log")
    with open(log, "wb") as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=directory)
    try:
        give_up = time.monotonic() + PATIENCE
        while not is_ready():
            assert child.poll() is None and time.monotonic() < give_up, log.read_text(errors="replace")
            time.sleep(0.01)
        yield
    finally:
        child.send_signal(stop)
        child.wait(PATIENCE)


@contextlib.contextmanager
def redis():
    """Yields the port."""
    server = program("redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        with running(command, directory, lambda: listens(port)):
            yield port


@contextlib.contextmanager
def postgresql():
    """Yields the port and the directory of the unix socket; user "brio" of database "postgres" needs no password."""
    initdb, server, pg_isready = (program(name, f"/usr/lib/postgresql/*/bin/{name}")
                                  for name in ("initdb", "postgres", "pg_isready"))
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        as_user = []
        if os.geteuid() == 0:  # which the server refuses to be
            shutil.chown(directory, "nobody")
            as_user = [program("setpriv"), "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        data = os.path.join(directory, "data")
        subprocess.run([*as_user, initdb, "-D", data, "-U", "brio", "-A", "trust", "-E", "UTF8", "--locale=C",
                        "--no-sync"], stdout=subprocess.DEVNULL, cwd=directory, check=True)
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": directory,
                    "max_connections": 120, "shared_buffers": "8MB", "fsync": "off", "autovacuum": "off"}
        options = [f"--{name}={value}" for name, value in settings.items()]

        def is_ready():  # it listens before it lets anyone in
            return subprocess.call([pg_isready, "-q", "-h", directory, "-p", str(port)]) == 0

        with running([*as_user, server, "-D", data, *options], directory, is_ready, stop=signal.SIGINT):
            yield port, directory


@contextlib.contextmanager
def nginx(pages, bytes_per_second):
    """Yields the port of a site of {path: text}."""
    server = program("nginx")
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)  # for the user that its workers become
        root = pathlib.Path(directory, "site")
        root.mkdir()
        for path, text in pages.items():
            root.joinpath(path.lstrip("/")).write_text(text)
        temporary = "".join(f"{kind}_temp_path {directory}/{kind}; "
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = pathlib.Path(directory, "nginx.conf")
        configuration.write_text(
            f"daemon off; worker_processes 1; pid {directory}/pid; events {{ worker_connections 512; }}\n"
            f"http {{ {temporary} access_log off; limit_rate {bytes_per_second};\n"
            f"server {{ listen 127.0.0.1:{port} backlog=511; root {root}; }} }}\n")
        command = [server, "-p", directory, "-e", f"{directory}/errors", "-c", str(configuration)]
        with running(command, directory, lambda: listens(port)):
            yield port
