// Prints the first free TCP port from the one given on; a port that the demo's own container had counts as free.
import net from "node:net";

const free = (port) =>
  new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "0.0.0.0", () => server.close(() => resolve(true)));
  });

for (let port = Number(process.argv[2]); port < 65536; port++) {
  if (await free(port)) {
    console.log(port);
    break;
  }
}
