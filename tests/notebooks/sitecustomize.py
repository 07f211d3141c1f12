"""Python runs this at its start where this folder is on PYTHONPATH: no connection leaves the machine."""

import socket

_connect, _connect_ex, _getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo


def _check(host):
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "", "localhost", "::1", "0.0.0.0") and not host.startswith("127."):
        raise OSError(f"network blocked by the tests: expected an address of this machine, got {host}")


def _connect_here(self, address):
    if isinstance(address, tuple):
        _check(address[0])
    return _connect(self, address)


def _connect_ex_here(self, address):
    if isinstance(address, tuple):
        _check(address[0])
    return _connect_ex(self, address)


def _getaddrinfo_here(host, *arguments, **options):
    _check(host)
    return _getaddrinfo(host, *arguments, **options)


socket.socket.connect, socket.socket.connect_ex = _connect_here, _connect_ex_here
socket.getaddrinfo = _getaddrinfo_here
