"""Debian's python3-docker against the engine that DOCKER_HOST names; run by python3-docker.test.ts."""

import io
import os
import tarfile
import threading
import unittest

import docker


class PythonDocker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = docker.from_env(version="auto", timeout=60)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def run_detached(self, command, **options):
        container = self.client.containers.run("busybox", command, detach=True, **options)
        self.addCleanup(self.remove, container)
        return container

    @staticmethod
    def remove(container):
        try:
            container.remove(force=True, v=True)
        except docker.errors.NotFound:
            pass

    def test_ping_version_info(self):
        self.assertTrue(self.client.ping())
        self.assertEqual(self.client.info()["OSType"], "linux")
        self.assertIn("ApiVersion", self.client.version())
        self.assertEqual(len(self.client.df()["Images"]), 1)

    def test_run_returns_output(self):
        self.assertEqual(self.client.containers.run("busybox", ["echo", "hello"], remove=True), b"hello\n")
        out = self.client.containers.run("busybox", "sh -c 'echo a; echo b >&2'", stdout=True, stderr=True, remove=True)
        self.assertEqual(sorted(out.split()), [b"a", b"b"])

    def test_run_raises_for_an_exit_code(self):
        with self.assertRaises(docker.errors.ContainerError) as caught:
            self.client.containers.run("busybox", "sh -c 'echo why >&2; exit 5'", remove=True)
        self.assertEqual(caught.exception.exit_status, 5)
        self.assertEqual(caught.exception.stderr, b"why\n")

    def test_missing_things(self):
        with self.assertRaises(docker.errors.NotFound):
            self.client.containers.get("nobody")
        with self.assertRaises(docker.errors.ImageNotFound):
            self.client.images.get("nothing")
        with self.assertRaises(docker.errors.APIError) as caught:
            self.client.containers.create("busybox", "true", name="a b")
        self.assertEqual(caught.exception.status_code, 400)

    def test_life_of_a_container(self):
        container = self.run_detached(
            "sleep 300",
            name="py-life",
            labels={"team": "cranes"},
            environment={"A": "1"},
            mem_limit="64m",
            cpu_shares=512,
            ports={"80/tcp": ("127.0.0.1", None)},
            volumes={"py-hold": {"bind": "/data", "mode": "rw"}},
            tmpfs={"/scratch": "size=1m"},
            extra_hosts={"crane": "10.0.0.1"},
            cap_drop=["ALL"],
            cap_add=["CHOWN"],
            ulimits=[docker.types.Ulimit(name="nofile", soft=100, hard=200)],
            healthcheck={"test": ["CMD", "true"], "interval": 1_000_000_000},
            log_config=docker.types.LogConfig(type="json-file", config={"max-size": "1m"}),
            restart_policy={"Name": "on-failure", "MaximumRetryCount": 2},
        )
        self.assertEqual(container.status, "created")
        container.reload()
        self.assertEqual(container.status, "running")
        self.assertEqual(container.labels, {"team": "cranes"})
        self.assertEqual(container.attrs["HostConfig"]["Memory"], 64 << 20)
        self.assertEqual(self.client.containers.list(filters={"label": "team=cranes"}), [container])
        self.assertEqual(container.ports["80/tcp"][0]["HostIp"], "127.0.0.1")
        self.assertEqual(len(container.top()["Processes"]), 1)
        self.assertEqual(container.stats(stream=False)["memory_stats"]["limit"], 64 << 20)
        container.update(mem_limit="96m", memswap_limit=-1)
        container.pause()
        container.reload()
        self.assertEqual(container.status, "paused")
        container.unpause()
        container.rename("py-renamed")
        container.restart(timeout=0)
        container.kill()
        self.assertEqual(container.wait()["StatusCode"], 137)
        container.remove(v=True)
        self.client.volumes.get("py-hold").remove()

    def test_exec(self):
        container = self.run_detached("sleep 300")
        code, output = container.exec_run("sh -c 'echo $A; exit 3'", environment={"A": "x"})
        self.assertEqual((code, output), (3, b"x\n"))
        code, (out, err) = container.exec_run("sh -c 'echo a; echo b >&2'", demux=True)
        self.assertEqual((code, out, err), (0, b"a\n", b"b\n"))
        code, stream = container.exec_run("sh -c 'for i in 1 2 3; do echo $i; done'", stream=True)
        self.assertEqual(b"".join(stream), b"1\n2\n3\n")
        code, socket = container.exec_run("cat", stdin=True, socket=True, tty=True)
        socket._sock.sendall(b"typed\n")
        self.assertTrue(socket._sock.recv(100).startswith(b"typed"))
        socket.close()

    def test_attach_and_logs(self):
        container = self.run_detached("sh -c 'echo one; read x; echo got $x'", stdin_open=True)
        socket = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1, "logs": 1})
        socket._sock.sendall(b"two\n")
        self.assertEqual(container.wait()["StatusCode"], 0)
        socket.close()
        self.assertEqual(container.logs(), b"one\ngot two\n")
        self.assertEqual(container.logs(tail=1), b"got two\n")
        self.assertEqual(b"".join(container.logs(stream=True, follow=True)), b"one\ngot two\n")
        self.assertRegex(container.logs(timestamps=True).split(b"\n")[0], rb"^\S+Z one$")

    def test_archives(self):
        container = self.client.containers.create("busybox", "cat /in")
        self.addCleanup(self.remove, container)
        blob = io.BytesIO()
        with tarfile.open(fileobj=blob, mode="w") as tar:
            entry = tarfile.TarInfo("in")
            entry.size = 5
            tar.addfile(entry, io.BytesIO(b"hello"))
        self.assertTrue(container.put_archive("/", blob.getvalue()))
        bits, stat = container.get_archive("/in")
        self.assertEqual((stat["name"], stat["size"]), ("in", 5))
        with tarfile.open(fileobj=io.BytesIO(b"".join(bits))) as tar:
            self.assertEqual(tar.extractfile("in").read(), b"hello")
        image = container.commit("py-made", "1", changes="LABEL a=b")
        self.assertEqual(image.labels, {"a": "b"})
        self.client.images.remove("py-made:1")
        self.assertIn("/in", [row["Path"] for row in container.diff()])
        self.assertGreater(sum(len(part) for part in container.export()), 1 << 20)

    def test_build(self):
        dockerfile = io.BytesIO(b"FROM busybox\nARG WHO\nRUN echo hello $WHO > /said\nLABEL a=b\nCMD cat /said\n")
        image, log = self.client.images.build(fileobj=dockerfile, tag="py-built", buildargs={"WHO": "you"}, rm=True)
        self.assertTrue(any("Successfully built" in line.get("stream", "") for line in log))
        self.assertEqual(self.client.containers.run("py-built", remove=True), b"hello you\n")
        with self.assertRaises(docker.errors.BuildError):
            self.client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN exit 3\n"))
        saved = b"".join(image.save(named=True))
        self.client.images.remove("py-built")
        self.assertEqual(self.client.images.load(saved)[0].tags, ["py-built:latest"])
        self.assertTrue(self.client.images.get("py-built").tag("py-again", "2"))
        self.client.images.remove("py-again:2")
        self.client.images.remove("py-built")

    def test_networks_and_volumes(self):
        network = self.client.networks.create(
            "py-yard",
            ipam=docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=os.environ["TEST_SUBNET"])]),
            labels={"a": "b"},
        )
        container = self.run_detached("sleep 300")
        network.connect(container, aliases=["crane"])
        network.reload()
        self.assertEqual(network.containers, [container])
        network.disconnect(container)
        volume = self.client.volumes.create("py-cargo", labels={"a": "b"})
        self.assertEqual(self.client.volumes.list(filters={"label": "a=b"}), [volume])
        volume.remove()
        self.assertEqual(self.client.networks.prune()["NetworksDeleted"], ["py-yard"])

    def test_events(self):
        events = self.client.events(decode=True, filters={"event": ["start", "die"], "container": "py-events"})
        seen = []

        def read():
            for event in events:
                seen.append(event["Action"])
                if len(seen) == 2:
                    break

        reader = threading.Thread(target=read)
        reader.start()
        self.client.containers.run("busybox", "true", name="py-events", remove=True)
        reader.join(20)
        events.close()
        self.assertEqual(seen, ["start", "die"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
