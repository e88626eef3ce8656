import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  type AddressInfo,
  connect,
  createServer as createSocketServer,
  type Socket,
  type Server as SocketServer,
} from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { parseAddress, referredAddress } from "../../../server/catalog/hub/address.ts";
import { hubOf } from "../../../server/catalog/hub/hub.ts";
import { createFetch } from "../../../server/catalog/hub/network.ts";
import { built } from "../../support/built.ts";
import { COMMIT, type HubServer, hubHash, json, startHub } from "../../support/hub-server.ts";
import { ticksDuring } from "../../support/waiting.ts";
import { FILES, ID, is, NEEDED, setup, WEIGHTS } from "../hub-client.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const INFO = `/api/models/${ID}/revision`;
const TREE = `/api/models/${ID}/tree/${COMMIT}`;
const WEIGHTS_PATH = `/store/${hubHash("x.bin", WEIGHTS)}`;

function at(path: string, answer: Answer) {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith(path)) return false;
    answer(request, response);
    return true;
  };
}

// --- The token ---

for (const [what, path, status] of [
  ["a next page", TREE, 200],
  ["a redirect of the list", TREE, 302],
  ["a redirect of the first answer", INFO, 307],
  ["a redirect of a file", `/${ID}/resolve/`, 302],
] as const) {
  test(`the token does not follow ${what} to another host`, async (t) => {
    const { hub, get } = await setup(t);
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      json(response, path === INFO ? { _id: "1", id: ID, sha: COMMIT } : []);
    });
    const origin = await listening(t, other);
    hub.token = "hf_secret";
    hub.intercept = at(path, (_, response) => {
      if (status === 200) json(response, [], { link: `<${origin}/next>; rel="next"` });
      else response.writeHead(status, { location: `${origin}/next` }).end();
    });
    await get({ token: "hf_secret" }).catch(() => undefined);
    assert.ok(seen.length > 0);
    assert.deepEqual(
      seen.filter((authorization) => authorization !== undefined),
      [],
    );
  });
}

test("the token is not sent again after a redirect away and back", async (t) => {
  const { hub, get } = await setup(t);
  const other = createServer((_, response) => response.writeHead(302, { location: `${hub.endpoint}/back` }).end());
  const origin = await listening(t, other);
  hub.token = "hf_secret";
  hub.intercept = at(TREE, (_, response) => void response.writeHead(302, { location: origin }).end());
  await assert.rejects(get({ token: "hf_secret" }));
  const [back] = hub.requests.filter(({ path }) => path === "/back");
  assert.deepEqual(back, { path: "/back" });
});

test("the token stays with a redirect on the hub itself", async (t) => {
  const { hub, get } = await setup(t);
  hub.token = "hf_secret";
  hub.intercept = at(TREE, (request, response) => {
    hub.intercept = undefined;
    response.writeHead(307, { location: request.url }).end(); // relative, as the hub's own are
  });
  await get({ token: "hf_secret" });
});

/** Ways on which others could read the token. */
const open: [what: string, environment: NodeJS.ProcessEnv, proxy?: string][] = [
  ["plain http", { HF_ENDPOINT: "http://hub.invalid" }],
  ["plain http at another port of a name like ours", { HF_ENDPOINT: "http://127.0.0.1.invalid:80" }],
  ["a proxy that is not here", {}, "http://proxy.invalid:3128"],
];
for (const [what, environment, proxy] of open) {
  test(`the token is not sent over ${what}, and that is said`, async (t) => {
    const { get } = await setup(t);
    const options = { environment, ...(proxy && { proxy }) };
    const words = /^The access token is not sent to .*over plain http anybody.*HF_HUB_DISABLE_IMPLICIT_TOKEN=1/;
    await assert.rejects(get({ ...options, token: "hf_secret" }), is("network", words));
    const implicit = { ...environment, HF_TOKEN: "hf_secret" };
    await assert.rejects(get({ ...options, environment: implicit }), is("network", words));
    const without = { ...implicit, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" };
    await assert.rejects(get({ ...options, environment: without }), is("network", /not found|could not be reached/));
  });
}

test("a token with a line break or a space in it is refused and not shown", async (t) => {
  const { hub, get } = await setup(t);
  for (const token of ["hf_sec\r\nx-evil: ret", "hf_sec ret", "hf_secr\u00e9t", "hf_sec\0ret"]) {
    const secret = /hf_sec|ret/;
    const hidden = (error: Error) =>
      is("input", /access token contains an invalid character/)(error) &&
      !secret.test(inspect(error).replace(/^ {4}at .*/gm, ""));
    await assert.rejects(get({ token }), hidden);
    await assert.rejects(get({ environment: { HF_TOKEN: token } }), hidden);
  }
  assert.deepEqual(hub.requests, []);
  hub.token = "hf_secret";
  await get({ environment: { HF_TOKEN: " hf_secret\n" } });
});

// --- User names and passwords in addresses ---

const USER = "us er@firm";
const PASSWORD = "p@ss:w/rd#%é";
const LOGIN = `${encodeURIComponent(USER)}:${encodeURIComponent(PASSWORD)}`;
const BASIC = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;
/** All that may not be seen: as written, decoded, in parts, and as they are sent. */
const SECRETS = [
  USER,
  PASSWORD,
  ...LOGIN.split(":"),
  "p@ss",
  "p%40ss",
  "us%20er",
  "us er",
  BASIC.slice(6),
  encodeURI(PASSWORD),
];

/** Fails when an error shows a secret in its message, its stack, its causes or any of their properties. */
function assertHidden(error: unknown): true {
  const shown = inspect(error, { depth: null, showHidden: true, maxStringLength: null }) + JSON.stringify(error);
  for (const secret of SECRETS) assert.ok(!shown.includes(secret), `${secret} is in ${shown}`);
  return true;
}

test("a user name and a password in the endpoint's address are sent to it, and nowhere else", async (t) => {
  const { hub, get } = await setup(t);
  hub.authorization = BASIC;
  const environment = { HF_ENDPOINT: hub.endpoint.replace("//", `//${LOGIN}@`), HF_TOKEN: "hf_token" };
  await get({ environment });
  const toStore = hub.requests.filter(({ path }) => path.startsWith("/store/"));
  assert.ok(toStore.length >= NEEDED.length);
  assert.ok(toStore.every(({ authorization }) => authorization === undefined));
  for (const [login, sent] of [
    ["user", "user:"],
    [":pass", ":pass"],
    ["100%:50%zz", "100%:50%zz"],
  ] as const) {
    hub.authorization = `Basic ${Buffer.from(sent).toString("base64")}`;
    await get({ environment: { HF_ENDPOINT: hub.endpoint.replace("//", `//${login}@`) } });
  }
});

/** What goes wrong with a hub whose address names a user. */
const wrong: [what: string, change: (hub: HubServer) => void, words: RegExp][] = [
  [
    "refuses them",
    (hub) => (hub.authorization = "Basic else"),
    /\(401\).*user name and password in HF_ENDPOINT are not allowed/,
  ],
  [
    "answers what is not JSON",
    (hub) =>
      (hub.intercept = at(
        INFO,
        (request, response) => void response.end(`${request.headers.authorization} ${PASSWORD}`),
      )),
    /no readable answer about /,
  ],
  [
    "answers what is not HTTP",
    (hub) =>
      (hub.intercept = at(
        INFO,
        (request, response) => void response.socket?.end(`${request.headers.authorization}\r\n`),
      )),
    /could not be reached/,
  ],
  [
    "ends the connection",
    (hub) => (hub.intercept = at(INFO, (_, response) => void response.destroy())),
    /could not be reached/,
  ],
  ["says nothing", (hub) => (hub.intercept = at(INFO, () => undefined)), /silent/],
  [
    "redirects without end",
    (hub) =>
      (hub.intercept = at(INFO, (request, response) => void response.writeHead(302, { location: request.url }).end())),
    /more than 5 times/,
  ],
  ["shows a login page", (hub) => hub.mishaps.api.push({ kind: "page" }), /login page/],
  ["gives a bad commit", (hub) => (hub.commit = "x"), /as the commit/],
  ["is busy", (hub) => hub.mishaps.store.push(...Array(9).fill({ kind: "status", status: 429 })), /too many requests/],
];
for (const [what, change, words] of wrong) {
  test(`a user name and a password are not shown when the hub ${what}`, async (t) => {
    const { hub, get } = await setup(t);
    change(hub);
    const environment = { HF_ENDPOINT: hub.endpoint.replace("//", `//${LOGIN}@`) };
    await assert.rejects(
      get({ environment, silenceMs: 500 }),
      (error) => is("network", words)(error) && assertHidden(error),
    );
  });
}

/** Addresses that are none, or are cut short by what should have been encoded. */
const malformed = [
  "http://us er@firm:p@ss@",
  "us er@firm:p@ss@host",
  "http://us er:p@ss/w@host",
  "http://p@ss:1/p@ss:w/rd#%é@host",
  "http://us er:1#p@ss@host",
  "http://us er:1?p@ss@host",
  "http://us er:12\\p@ss@host",
  "ftp://us er:p@ss@host",
  "socks5://us er:p@ss@host:1",
  "http://us er:p@ss@host:port",
];
for (const address of malformed) {
  test(`says what is wrong with the address ${address.replaceAll(/us er|p@ss/g, "x")}, and does not show it`, async (t) => {
    const { get } = await setup(t);
    const hidden = (error: unknown) =>
      is("input", /is not a valid address.*percent-encoded/)(error) && assertHidden(error);
    await assert.rejects(get({ environment: { HF_ENDPOINT: address } }), hidden);
    if (!address.startsWith("us")) await assert.rejects(get({ proxy: address }), hidden);
  });
}

test("the command line shows neither user name nor password of a hub or a proxy that is not there", async (t) => {
  const { places } = await setup(t);
  const { http_proxy: _, https_proxy: __, ...clean } = process.env;
  const ways: [NodeJS.ProcessEnv, ...string[]][] = [
    [{ HF_ENDPOINT: `http://${LOGIN}@hub.invalid` }],
    [{ HF_ENDPOINT: `http://${LOGIN}@host:port` }, "--json"],
    [{ HTTPS_PROXY: `http://${LOGIN}@proxy.invalid:1`, NO_PROXY: "" }],
  ];
  for (const [address, ...flags] of ways) {
    const env = { ...clean, HF_HUB_CACHE: places.hub, HF_TOKEN: "", ...address };
    const child = spawn(process.execPath, [built("cli.js"), "models", "get", ...flags, ID], { env });
    let shown = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (shown += chunk));
    assert.deepEqual(await once(child, "close"), [1, null]);
    assert.match(shown, /not found|not a valid address/);
    assertHidden(shown);
  }
});

test("a user name and a password in a proxy's address are sent to it, with or without http:// before them", async (t) => {
  const { hub, get } = await setup(t);
  const seen: (string | undefined)[] = [];
  const proxy = createServer().on("connect", (request, socket) => {
    seen.push(request.headers["proxy-authorization"]);
    if (request.headers["proxy-authorization"] !== BASIC) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const { port, hostname } = new URL(`http://${request.url}`);
    const upstream = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  const { host } = new URL(await listening(t, proxy));
  await get({ proxy: `http://${LOGIN}@${host}` });
  await get({ proxy: `${LOGIN}@${host}` });
  assert.ok(seen.length > 1 && seen.every((authorization) => authorization === BASIC));
  assert.ok(hub.requests.every(({ authorization }) => authorization === undefined));
  const wrongOne = `http://${LOGIN}x@${host}`;
  await assert.rejects(
    get({ proxy: wrongOne }),
    (error) => is("network", /user name and password/)(error) && assertHidden(error),
  );
  await assert.rejects(get({ proxy: `http://100%:50%zz@${host}` }), is("network", /user name and password/));
});

// --- Redirects ---

test("five redirects are followed, six are not", async (t) => {
  const { hub, get } = await setup(t);
  let redirects = 0;
  let most = 5;
  const answer: Answer = (request, response) => {
    redirects += 1;
    if (redirects === most) hub.intercept = undefined;
    response.writeHead(302, { location: request.url }).end();
  };
  hub.intercept = at(TREE, answer);
  await get();
  [redirects, most] = [0, 6];
  hub.intercept = at(TREE, answer);
  await assert.rejects(get(), is("network", /127\.0\.0\.1:\d+ redirects more than 5 times/));
});

const referred: [from: string, to: string | null, words: RegExp | string][] = [
  ["https://a/x", "/y?z", "https://a/y?z"],
  ["https://a/x", "https://b/", "https://b/"],
  ["http://a/x", "https://b/", "https://b/"],
  ["https://a/x", "http://a/", /from https to plain http at a/],
  ["https://a/x", "//u:p@b/", /to b with a user name in the address/],
  ["https://a/x", "file:///etc/passwd", /of file:, which is neither http nor https/],
  ["https://a/x", "data:text/plain,x", /of data:/],
  ["https://a/x", "http://[", /without a readable address/],
  ["https://a/x", null, /without a readable address/],
];
test("a server refers to other addresses of the web only, and never from https to http", async (t) => {
  for (const [from, to, expected] of referred) {
    if (typeof expected === "string") assert.equal(referredAddress(new URL(from), to).href, expected);
    else assert.throws(() => referredAddress(new URL(from), to), is("network", expected), String(to));
  }
  const { hub, get } = await setup(t);
  for (const location of ["ftp://127.0.0.1/", "file:///etc/passwd", "http://u:p@localhost/", "http://["]) {
    hub.intercept = at(TREE, (_, response) => void response.writeHead(302, { location }).end());
    await assert.rejects(get(), is("network", /refers .* which is not followed/), location);
  }
});

test("a hub on https that redirects to plain http is not followed", async (t) => {
  const { hub: plain, places } = await setup(t);
  const [cert, key] = ["crt", "key"].map((end) => readFileSync(`test/fixtures/tls/localhost.${end}`));
  assert.ok(cert && key);
  await using hub = await startHub({ [ID]: FILES }, { cert, key });
  hub.intercept = at(
    `/${ID}/resolve/`,
    (request, response) => void response.writeHead(302, { location: `${plain.endpoint}${request.url}` }).end(),
  );
  const trusted = { NODE_EXTRA_CA_CERTS: "test/fixtures/tls/localhost.crt" };
  const env = {
    ...process.env,
    ...trusted,
    HF_ENDPOINT: hub.endpoint,
    HF_HUB_CACHE: places.hub,
    HF_TOKEN: "hf_secret",
  };
  const child = spawn(process.execPath, [built("cli.js"), "models", "get", ID], { env });
  let shown = "";
  child.stderr.on("data", (chunk) => (shown += chunk));
  assert.deepEqual(await once(child, "close"), [1, null]);
  assert.match(shown, /from https to plain http/);
  assert.deepEqual(plain.requests, []);
});

// --- Silence ---

const SILENCE_MS = 600;
const TICK_MS = 100;
/** The silence, and a few times as much for a start, a timer that is not exact and the server. */
const MOST_TICKS = 30;
const drip = (response: ServerResponse) => {
  const timer = setInterval(() => (response.destroyed ? clearInterval(timer) : response.write(" ")), 50);
};
const redirect = (request: IncomingMessage, response: ServerResponse) =>
  response.writeHead(302, { location: request.url }).end();

/** How a server keeps one waiting, at an address. */
const slow: [what: string, path: string, answer: Answer][] = [
  ["an answer that does not come", INFO, () => undefined],
  [
    "headers that drip",
    INFO,
    (_, { socket }) => {
      socket?.write("HTTP/1.1 200 OK\r\nx: ");
      const timer = setInterval(() => (socket?.destroyed ? clearInterval(timer) : socket?.write("x")), 50);
    },
  ],
  [
    "preliminary answers without end",
    INFO,
    (_, { socket }) => {
      const timer = setInterval(
        () => (socket?.destroyed ? clearInterval(timer) : socket?.write("HTTP/1.1 102 Processing\r\n\r\n")),
        50,
      );
    },
  ],
  ["a list that does not begin", TREE, (_, response) => void response.writeHead(200).flushHeaders()],
  ["a list that drips", TREE, (_, response) => drip(response.writeHead(200))],
  ["a refusal that drips", TREE, (_, response) => drip(response.writeHead(302, { location: TREE }))],
  [
    "pages that drip",
    TREE,
    (request, response) =>
      void setTimeout(
        () => json(response, [], { link: `<http://${request.headers.host}${TREE}?${Math.random()}>; rel="next"` }),
        100,
      ),
  ],
  ["redirects that drip", TREE, (request, response) => void setTimeout(() => redirect(request, response), 250)],
  [
    "a redirect to silence",
    `/${ID}/resolve`,
    (_, response) => void response.writeHead(302, { location: "/silence" }).end(),
  ],
  ["a file that does not come", WEIGHTS_PATH, () => undefined],
  [
    "a file that does not begin",
    WEIGHTS_PATH,
    (_, response) => void response.writeHead(200, { "content-length": WEIGHTS.length }).flushHeaders(),
  ],
  [
    "a file that drips",
    WEIGHTS_PATH,
    (_, response) => drip(response.writeHead(200, { "content-length": WEIGHTS.length })),
  ],
  ["a file that drips in chunks", WEIGHTS_PATH, (_, response) => drip(response.writeHead(200))],
];
for (const [what, path, answer] of slow) {
  test(`${what} is the end after the time that a server has`, { timeout: 300_000 }, async (t) => {
    const { hub, places, get } = await setup(t);
    const intercept = at(path, answer);
    hub.intercept = (request, response) => request.url === "/silence" || intercept(request, response);
    const ticks = await ticksDuring(TICK_MS, () =>
      assert.rejects(
        get({ silenceMs: SILENCE_MS }),
        is("network", /was silent for 0\.6 seconds, or sent less than 1000 bytes per second|more than 5 times/),
      ),
    );
    assert.ok(ticks < MOST_TICKS, `${ticks} ticks`);
    if (path === INFO || path === TREE) assert.ok(!existsSync(places.hub));
  });
}

test("a connection for every byte is a drip too", { timeout: 300_000 }, async (t) => {
  const { hub, get } = await setup(t);
  hub.mishaps.store.push(undefined, undefined, undefined, ...Array(1000).fill({ kind: "cut", afterBytes: 1 }));
  await assert.rejects(get(), is("network", /connection (ended|broke)/));
  assert.ok(hub.requests.length < 20, `${hub.requests.length}`);
});

test("a server that asks again and again to wait is waited for no longer than once", {
  timeout: 300_000,
}, async (t) => {
  const { hub, get } = await setup(t);
  hub.mishaps.store.push(...Array(1000).fill({ kind: "status", status: 503, retryAfter: "1000000" }));
  const ticks = await ticksDuring(TICK_MS, () =>
    assert.rejects(get({ longestWaitMs: 300 }), is("network", /answered 503/)),
  );
  assert.ok(ticks < MOST_TICKS, `${ticks} ticks`);
  assert.equal(hub.requests.filter(({ path }) => path.startsWith("/store/")).length, 2);
});

/** Peers that take the connection and then say nothing. */
test("a handshake that does not end, of TLS or of a proxy, is the end as well", { timeout: 300_000 }, async (t) => {
  const { get } = await setup(t);
  const sockets = new Set<Socket>();
  const mute = createSocketServer((socket) => void sockets.add(socket.on("error", () => undefined)));
  const origin = await listening(t, mute);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const ways: [NodeJS.ProcessEnv, string?][] = [
    [{ HF_ENDPOINT: origin.replace("http:", "https:") }],
    [{}, origin],
    [{}, origin.replace("http:", "https:")],
  ];
  for (const [environment, proxy] of ways) {
    const options = { environment, silenceMs: SILENCE_MS, ...(proxy && { proxy }) };
    const ticks = await ticksDuring(TICK_MS, () =>
      assert.rejects(get(options), is("network", /was silent for 0\.6 seconds/)),
    );
    assert.ok(ticks < MOST_TICKS, `${ticks} ticks`);
  }
});

test("a slow connection that brings enough is waited for", async (t) => {
  const { hub, get } = await setup(t);
  hub.bytesPerSecond = 200_000; // in pieces of 16 kB: 80 ms each
  assert.deepEqual(readFileSync(join(await get({ silenceMs: SILENCE_MS }), "pytorch_model.bin")), WEIGHTS);
});

test("who asks is no property of the hub, and what is not an address is refused", () => {
  const hub = hubOf({ HF_ENDPOINT: `https://${LOGIN}@hub.example/` }, createFetch());
  assert.equal(hub.endpoint, "https://hub.example");
  assertHidden(hub);
  assert.deepEqual(hub.authorization("https://hub.example/api"), { authorization: BASIC });
  for (const other of [
    "http://hub.example/",
    "https://hub.example:444/",
    "https://hub.example.evil/",
    "https://evil/hub.example",
  ])
    assert.deepEqual(hub.authorization(other), {}, other);
  assert.equal(parseAddress("https://a/b/", "X").url.href, "https://a/b/");
});

/** An origin on loopback, closed after the test. */
async function listening(t: TestContext, server: Server | SocketServer): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
