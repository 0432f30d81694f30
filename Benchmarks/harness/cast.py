"""Who takes part: our server, the echo, the C programs, the peers. Made once for all rows; each starts when it is first needed."""

import subprocess

from . import build, places
from .client import Client
from .errors import Missing
from .measure import say
from .processes import ALL_CPUS, ONE_CPU, Ports, Server, Worker

# The programs that compute run once for each of these.
ONE, ALL = "one CPU", "all CPUs"
ROOMY = ["--max-body-bytes", str(2 << 30), "--max-plan-bytes", str(8 << 30), "--max-plan-work", str(10**13)]
UVICORN = ["-m", "uvicorn", "--host", "127.0.0.1", "--port"]


class Cast:
    def __init__(self, binary, first_port, with_peers=True):
        self.binary, self.with_peers = binary, with_peers
        self.ports = Ports(first_port)
        self.echo = self._echo("echo")
        self.ours = self.our_server("ours")
        self.echo_all = self._echo("echo-all-cores", ALL_CPUS)
        # For what is sent in base64 or is larger than what a server should take from strangers.
        self.roomy = self.our_server("ours-roomy", ROOMY)
        self.roomy_all = self.our_server("ours-all-cores", ROOMY, ALL_CPUS)
        self.limits = {ONE: self._limits(ONE_CPU, "limits"), ALL: self._limits(ALL_CPUS, "limits-all-cores")}
        self.jax = self._engines("jax")
        self.torch = self._engines("torch")
        self.web = self._web()
        # Started and ended by the rows about that, so not those that serve the others.
        self.spare, self.spare_echo, self.spare_web = self.our_server("ours-spare"), self._echo("echo-spare"), self._web("-spare")
        self._clients = {}

    def _server(self, name, command, cpus=ONE_CPU, **options):
        return Server(name, command, self.ports.take(), cpus, **options)

    def _echo(self, name, cpus=ONE_CPU):
        return self._server(name, lambda port: [places.built / "echo", port, 2], cpus)

    def our_server(self, name, options=(), cpus=ONE_CPU):
        return self._server(name, lambda port: [self.binary, "serve", "--port", port, *options], cpus)

    def _limits(self, cpus, name):
        environment = {}
        try:
            libraries = build.openblas()
            environment = {
                "BENCH_OPENBLAS": str(libraries / "openblas-pthread/libopenblas.so.0"), "LD_LIBRARY_PATH": str(libraries)}
        except Missing as reason:
            say(str(reason))
        return Worker(name, [places.built / "limits"], cpus, environment)

    def _engines(self, name):
        command = [self._peer(), places.peers / f"compute_{name}.py"]
        return {ONE: Worker(name, command, ONE_CPU), ALL: Worker(f"{name}-all-cores", command, ALL_CPUS)}

    def _peer(self, program=None):
        """A path that does not exist is how a peer that is not wanted is missing."""
        if not self.with_peers:
            return places.peers / "not-wanted"
        return places.peer_python.parent / program if program else places.peer_python

    def _web(self, suffix=""):
        python, here = self._peer(), places.peers
        tuned = ["--no-access-log", "--loop", "uvloop", "--http", "httptools"]
        return {
            "tuned": self._server(
                "web-tuned" + suffix, lambda port: [python, *UVICORN, port, *tuned, "web_tuned:app"], directory=here),
            "usual": self._server(
                "web-usual" + suffix, lambda port: [python, *UVICORN, port, "--loop", "asyncio", "--http", "h11", "web_usual:app"],
                directory=here),
            "umbridge": self._server("web-umbridge" + suffix, lambda port: [python, here / "web_umbridge.py", port]),
            "tesseract": self._server(
                "web-tesseract" + suffix, lambda port: [self._peer("tesseract-runtime"), "serve", "--port", port],
                environment={"TESSERACT_API_PATH": str(here / "tesseract_api.py")},
                # It leaves a folder for each request.
                directory=places.emptied("runs" + suffix)),
        }

    def launch(self):
        """Starts all at once, since most of the peers load for seconds, and waits until they listen. Whoever does not start is missing from
        each of its rows."""
        for one in self._standing():
            try:
                one.launch()
            except Missing:
                pass
        for server in (one for one in self._standing() if isinstance(one, Server) and one.pid):
            try:
                server.wait()
            except Missing as reason:
                say(f"{server.name} {reason}")

    def everywhere(self):
        """The echo and our server, each on all CPUs."""
        return self.echo_all, self.roomy_all

    def client(self, server):
        server.start()
        if server.name not in self._clients:
            self._clients[server.name] = Client(server.port)
        return self._clients[server.name]

    def version(self):
        return subprocess.run([self.binary, "--version"], capture_output=True, text=True, timeout=30).stdout.strip() or "unknown"

    def _standing(self):
        """Those who run from the start to the end."""
        servers = [self.echo, self.echo_all, self.ours, self.roomy, self.roomy_all, *self.web.values()]
        return servers + [*self.limits.values(), *self.jax.values(), *self.torch.values()]

    def end(self):
        for one in self._standing() + [self.spare, self.spare_echo, *self.spare_web.values()]:
            try:
                one.stop()
            except OSError as error:
                say(f"{one.name}: {error}")
