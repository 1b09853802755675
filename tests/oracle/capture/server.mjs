// server.mjs - a server on loopback that keeps the last request and answers `{}`.

import http from "node:http";

// What of a request's headers a server cares for; the rest is the package's own business.
const KEPT =
  /^(authorization|api-key|x-api-key|x-goog-api-key|content-type|accept|anthropic-.*|openai-.*|idempotency-key)$/;

function keptHeaders(headers, key) {
  const kept = Object.entries(headers).filter(([name]) => KEPT.test(name));
  return Object.fromEntries(
    kept.map(([name, value]) => [
      name,
      value.replaceAll(key, "KEY").replace(/boundary=.*/, "boundary=BOUNDARY"),
    ]),
  );
}

// parts(bytes, type) - the parts of a multipart body: name, file name, type, and the bytes
function parts(bytes, type) {
  const boundary = /boundary=(.*)$/.exec(type)[1];
  const text = bytes.toString("latin1");
  return text
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((piece) => {
      const end = piece.indexOf("\r\n\r\n");
      const head = piece.slice(2, end);
      const value = Buffer.from(piece.slice(end + 4, -2), "latin1");
      const field = (re) => re.exec(head)?.[1];
      const file = field(/filename="([^"]*)"/);
      const part = { name: field(/[; ]name="([^"]*)"/) };
      if (file === undefined) return { ...part, text: value.toString("utf8") };
      return {
        ...part,
        filename: file,
        "content-type": field(/content-type: *(.*)/i),
        base64: value.toString("base64"),
      };
    });
}

function body(bytes, type) {
  if (bytes.length === 0) return null;
  if (type.startsWith("multipart/")) return parts(bytes, type);
  return JSON.parse(bytes.toString("utf8"));
}

// captureServer(key) - { origin, taken(): the requests since the last taken(), close() }
export async function captureServer(key) {
  let requests = [];
  const server = http.createServer((req, res) => {
    const chunks = [];
    req.on("data", (chunk) => chunks.push(chunk));
    req.on("end", () => {
      requests.push({
        method: req.method,
        path: req.url,
        headers: keptHeaders(req.headers, key),
        body: body(Buffer.concat(chunks), req.headers["content-type"] ?? ""),
      });
      res.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    taken() {
      const list = requests;
      requests = [];
      return list;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
