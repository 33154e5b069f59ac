// One port of the proxy: the listeners that share it, its sockets, and its connections.
//
//   open ──retire──> retiring (accepts nothing, every codec drains) ──last connection gone, or deadline──> closed
import type net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { Timer } from '#lib/timer-wheel.ts';
import { cut } from '../codec/h1/cut.ts';
import type { BindingState } from '../exchange/binding-state.ts';
import type { DownstreamTls } from '../exchange/exchange.ts';
import { StreamSession } from '../exchange/stream-session.ts';
import type { StreamTarget } from '../exchange/stream-session.ts';
import { Acceptor } from './accept.ts';
import { bindProblems, wantedAddresses } from './addresses.ts';
import { Bindings } from './bindings.ts';
import type { Certificate } from './certificate.ts';
import type { ProxiedPeer } from '../codec/proxy-protocol/read.ts';
import { Connection, plainAddress } from './connection.ts';
import type { Connect, AcceptedConnection } from './connection.ts';
import { startReading } from './direct-reads.ts';
import type { HandshakeTerms } from './handshake-terms.ts';
import type { Identity } from './identity.ts';
import { bindingState } from './problem.ts';
import type { ListenerProblem } from './problem.ts';
import type { PortContext } from './port-context.ts';
import { agree } from './protocol.ts';
import type { PortProtocol } from './protocol.ts';
import { ProxyHeaderReader } from './proxy-header.ts';
import type { ProxyHeaderFailure, ProxyHeaderOptions } from './proxy-header.ts';
import { SniTable } from './sni.ts';
import type { KeyMaterial, SniOwner } from './sni.ts';
import { commonSettings, strictest } from './settings.ts';
import type { ListenerSettings, SettingsOf } from './settings.ts';
import { Splice } from './splice.ts';
import { Handshake } from './tls.ts';
import type { HandshakeVerdict } from './tls.ts';
import type { TrustedSources } from './trusted-sources.ts';

const NOTHING = Buffer.alloc(0);
/** The result for a connection without a matching stream route. */
const NO_ROUTE = Object.freeze({ listener: '', plan: null, clientIdentity: null });

export class Port {
  /** The configured port of its listeners. */
  readonly number: number;
  readonly #context: PortContext;
  /** A socket exists as long as a listener needs its address. */
  readonly #bindings: Bindings<Acceptor>;
  readonly #connections = new Set<Connection>();
  readonly #handshakes = new Set<Handshake>();
  /** Connections whose PROXY protocol header has not arrived yet. */
  readonly #headers = new Set<ProxyHeaderReader>();
  readonly #deadline: Timer;
  readonly #closed = Promise.withResolvers<void>();
  /** Open sockets in any state. */
  #sockets = 0;
  #listeners: readonly ir.Listener[] = [];
  /** Listeners that cannot be served: connections for their names are refused. */
  #unserved: readonly ir.Listener[] = [];
  #protocol: PortProtocol | null = null;
  #sni = SniTable.EMPTY;
  #settingsOf: SettingsOf;
  /** For connections that may belong to any listener of the port. */
  #settings: ListenerSettings;
  /** Of any listener. */
  #trustsProxies = false;
  /** For connections that may belong to any of these listeners. */
  #strictestOf = new WeakMap<readonly string[], ListenerSettings>();
  #lastAnswers = false;
  #retired = false;

  constructor(number: number, context: PortContext) {
    this.number = number;
    this.#context = context;
    this.#settings = context.settings;
    this.#settingsOf = () => context.settings;
    this.#deadline = new Timer(() => this.cut());
    this.#bindings = new Bindings<Acceptor>({
      wheel: context.wheel,
      open: (address) => this.#bind(address),
      close: (acceptor) => acceptor.close(),
      changed: context.bindingsChanged,
    });
  }

  /** The protocol; null before the first listener. */
  get protocol(): PortProtocol | null {
    return this.#protocol;
  }

  /** The bound port, or null. */
  get bound(): number | null {
    for (const { port } of this.#bindings.sockets) if (port !== null) return port;
    return null;
  }

  /** The addresses that are bound, and those that are not. */
  get bindingState(): BindingState {
    return bindingState({ port: this.number, transport: 'TCP' }, this.#bindings.size, this.#bindings.failures);
  }

  /** Certificates that need OCSP answers. */
  get stapled(): readonly Certificate[] {
    return this.#sni.stapled;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Serves these listeners from now on: binds new addresses, closes those that are not needed any more. Resolves to the problems. */
  async update(listeners: readonly ir.Listener[], material: KeyMaterial, settingsOf: SettingsOf): Promise<ListenerProblem[]> {
    const { protocol: agreed, served, unserved, problems: conflicts } = agree(listeners, this.#protocol);
    // Listeners without a certificate that is about to be issued.
    const awaiting = unserved.filter((listener) => this.#context.challenges.areAnsweredBy(listener));
    const protocol = served.length === 0 && awaiting.length > 0 ? 'TLS' : agreed;
    this.#listeners = served;
    this.#unserved = unserved;
    this.#settingsOf = settingsOf;
    this.#trustsProxies = listeners.some(({ key }) => settingsOf(key).trustsProxies === true);
    this.#strictestOf = new WeakMap();
    this.#settings = commonSettings(this.#keys(), settingsOf, this.#context.settings);
    this.#switch(protocol);
    const invalid = this.#certify(material);
    const { bindAddress } = this.#context;
    await this.#bindings.want(wantedAddresses(protocol === 'TLS' ? [...served, ...awaiting] : served, bindAddress));
    return [...conflicts, ...invalid, ...bindProblems(served, this.#bindings.failures, bindAddress)];
  }

  /** Stops accepting and lets every connection finish; cuts the rest after `grace` ms. Resolves when all are closed. */
  retire(grace: number): Promise<void> {
    if (this.#retired) return this.#closed.promise;
    this.#retired = true;
    void this.#bindings.want(new Set());
    for (const connection of this.#connections) connection.codec.drain();
    // A timer of 0 never expires, and a grace of 0 means no time, not unlimited time.
    this.#context.wheel.arm(this.#deadline, Math.max(1, grace));
    this.#settle();
    return this.#closed.promise;
  }

  /** Ends every connection, also new ones, with its next answer. */
  retireConnections(): void {
    this.#lastAnswers = true;
    for (const connection of this.#connections) connection.codec.retire();
  }

  /** Cuts every connection. */
  cut(): void {
    for (const reader of this.#headers) reader.cut();
    for (const handshake of this.#handshakes) handshake.cut();
    for (const { socket } of this.#connections) cut(socket);
  }

  async #bind(address: string): Promise<Result<Acceptor, NodeJS.ErrnoException>> {
    const { bindPort, reusePort, claimPort, backlog, acceptFailed } = this.#context;
    const port = bindPort(this.number);
    const refusal = await claimPort({ transport: 'TCP', address, port });
    if (refusal !== null) return err(refusal);
    const acceptor = new Acceptor({
      address,
      port,
      reusePort,
      backlog,
      acceptFailed,
      accepted: (socket) => this.#accepted(socket),
    });
    const error = await acceptor.listen();
    return error === null ? ok(acceptor) : err(error);
  }

  #accepted(accepted: net.Socket): void {
    const { limit } = this.#context;
    const isIdentified = this.#settings.proxyProtocol === null;
    if ((isIdentified && this.#isBlocked(accepted.remoteAddress)) || !limit.enter()) {
      accepted.resetAndDestroy();
      return;
    }
    this.#sockets++;
    accepted.on('close', () => this.#gone());
    if (this.#settings.proxyProtocol !== null) this.#identify(accepted, this.#settings.proxyProtocol);
    else if (this.#protocol === 'TLS') this.#shakeHands(accepted, null, NOTHING);
    else {
      startReading(accepted, (chunk) => connection.data(chunk));
      const connection = this.#open(accepted, null);
    }
  }

  /** Whether connections of a peer are refused. Those that are passed through are refused by their codec, which records them. */
  #isBlocked(peer: string | undefined): boolean {
    const servesRequests = this.#protocol === 'HTTP' || (this.#protocol === 'TLS' && this.#sni.servesRequests);
    return servesRequests && !this.#trustsProxies && this.#context.blockedPeers.refuses(plainAddress(peer));
  }

  /** Reads the PROXY protocol header, then continues as without one. */
  #identify(accepted: net.Socket, sources: readonly TrustedSources[]): void {
    const address = plainAddress(accepted.remoteAddress);
    const refuse = (reason: ProxyHeaderFailure): void => this.#context.proxyHeaders.failed(reason, address);
    if (!sources.every((each) => each.trusts(address))) {
      refuse('untrusted');
      accepted.resetAndDestroy();
      return;
    }
    if (this.#protocol === 'TLS') this.#identifySecured(accepted, refuse);
    else this.#identifyPlain(accepted, refuse);
  }

  #identifyPlain(accepted: net.Socket, failed: (reason: ProxyHeaderFailure) => void): void {
    let connection: Connection | null = null;
    startReading(accepted, (chunk) => (connection === null ? reader.data(chunk) : connection.data(chunk)));
    const reader = this.#awaitHeader(accepted, failed, (peer, rest) => {
      connection = this.#open(accepted, peer);
      if (rest.length > 0) connection.data(rest);
    });
  }

  #identifySecured(accepted: net.Socket, failed: (reason: ProxyHeaderFailure) => void): void {
    const reader = this.#awaitHeader(accepted, failed, (peer, rest) => this.#shakeHands(accepted, peer, rest));
    startReading(accepted, (chunk) => reader.data(chunk));
  }

  #awaitHeader(socket: net.Socket, failed: (reason: ProxyHeaderFailure) => void, done: ProxyHeaderOptions['done']): ProxyHeaderReader {
    const { wheel } = this.#context;
    const timeout = this.#settings.limits.proxyHeaderTimeout;
    const reader = new ProxyHeaderReader(socket, {
      wheel,
      timeout,
      done: (peer, rest) => {
        this.#headers.delete(reader);
        if (this.#isBlocked(peer === null ? socket.remoteAddress : peer.address)) socket.resetAndDestroy();
        else done(peer, rest);
      },
      failed: (reason) => {
        this.#headers.delete(reader);
        failed(reason);
      },
    });
    this.#headers.add(reader);
    return reader;
  }

  /** A TCP port finds the plan of a connection once; an HTTP port finds one for each request. */
  #open(socket: net.Socket, peer: ProxiedPeer | null): Connection {
    const isStream = this.#protocol === 'TCP';
    const connect = isStream ? this.#splicing(this.#streamTarget('tcp', this.#keys(), '')) : this.#context.connect;
    const connection = this.#join(socket, { secured: null, peer, limits: this.#settings.limits }, connect);
    this.#keep(connection, isStream ? 'TCP' : 'HTTP');
    return connection;
  }

  #keys(): readonly string[] {
    return this.#listeners.map(({ key }) => key);
  }

  #strictest(listeners: readonly string[]): ListenerSettings {
    let settings = this.#strictestOf.get(listeners);
    if (settings === undefined) {
      settings = strictest(listeners.map(this.#settingsOf), this.#context.settings);
      this.#strictestOf.set(listeners, settings);
    }
    return settings;
  }

  #streamTarget(protocol: StreamTarget['protocol'], listeners: readonly string[], serverName: string): StreamTarget {
    const found = this.#context.findStream(listeners, serverName);
    return { protocol, serverName, ...(found ?? NO_ROUTE) };
  }

  /** A connection takes its plan once; a change of routes does not affect it. */
  #splicing(target: StreamTarget): Connect {
    return (_, connection) => new Splice(connection, new StreamSession(connection, target), this.#context.splice);
  }

  /** `early`: bytes that were already read. */
  #shakeHands(accepted: net.Socket, peer: ProxiedPeer | null, early: Buffer): void {
    const { handshakes, wheel, challenges } = this.#context;
    // Read at once: a closed socket does not have it any more.
    const address = accepted.remoteAddress ?? '';
    let { connect } = this.#context;
    let { limits } = this.#settings;
    const handshake = new Handshake(accepted, {
      decide: (serverName, hello) => {
        const context = challenges.contextFor(serverName, hello);
        if (context !== null) return { action: 'challenge', context };
        // The conformance suite expects no alert on a port with streams only.
        const refusal: HandshakeVerdict = { action: 'refuse', alert: this.#sni.servesRequests };
        const owner = this.#sni.find(serverName);
        if (owner === null) return refusal;
        limits = this.#strictest(owner.listeners).limits;
        if (owner.use === 'requests') return terminate(owner, true) ?? refusal;
        const target = this.#streamTarget('tls', owner.listeners, serverName);
        connect = this.#splicing(target);
        if (target.plan === null) return refusal;
        return owner.use === 'passthrough' ? { action: 'pass' } : (terminate(owner, false) ?? refusal);
      },
      wheel,
      timeout: this.#settings.limits.tlsHandshakeTimeout,
      secured: (socket, secured) => {
        handshakes.completed(secured.facts.version);
        this.#handshakes.delete(handshake);
        // The TLS socket would make another system call.
        const client = peer ?? { address: plainAddress(address), port: accepted.remotePort ?? 0 };
        this.#secured(socket, { secured, peer: client, limits }, connect);
      },
      answered: (version) => handshakes.completed(version),
      vouches: (shown, host) => this.#vouches(shown, host),
      passed: (hello) => {
        this.#handshakes.delete(handshake);
        this.#passed(accepted, hello, { secured: null, peer, limits }, connect);
      },
      failed: (reason) => handshakes.failed(reason, address),
    });
    this.#handshakes.add(handshake);
    // The accepted socket closes in any case, also after another object has taken it over.
    accepted.on('close', () => this.#handshakes.delete(handshake));
    handshake.start(early);
  }

  #passed(socket: net.Socket, hello: Buffer, accepted: AcceptedConnection, connect: Connect): void {
    startReading(socket, (chunk) => connection.data(chunk));
    const connection = this.#join(socket, accepted, connect);
    connection.data(hello);
    this.#keep(connection, 'TLS');
  }

  #secured(socket: net.Socket, accepted: AcceptedConnection, connect: Connect): void {
    startReading(socket, (chunk) => connection.data(chunk));
    const connection = this.#join(socket, accepted, connect);
    this.#keep(connection, 'TLS');
    // The terms may have changed during the handshake.
    this.#reconsider(connection);
  }

  #join(socket: net.Socket, accepted: AcceptedConnection, connect: Connect): Connection {
    const connection = new Connection(socket, this.number, accepted, connect, this.#context.bugs);
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
    return connection;
  }

  /** The port may have been retired or changed its protocol during the handshake. */
  #keep(connection: Connection, protocol: PortProtocol): void {
    if (this.#lastAnswers) connection.codec.retire();
    if (this.#retired || protocol !== this.#protocol) connection.codec.drain();
  }

  /** Connections of the former protocol would reach routes of the new one. */
  #switch(protocol: PortProtocol): void {
    const changed = this.#protocol !== null && this.#protocol !== protocol;
    this.#protocol = protocol;
    if (!changed) return;
    const former = [...this.#connections];
    for (const { codec } of former) codec.drain();
    const deadline = new Timer(() => former.forEach(({ socket }) => cut(socket)));
    this.#context.wheel.arm(deadline, this.#context.drainTimeout);
  }

  /** New handshakes use these certificates; connections keep theirs, but not the terms for their clients. */
  #certify(material: KeyMaterial): readonly ListenerProblem[] {
    if (this.#protocol !== 'TLS') {
      this.#sni = SniTable.EMPTY;
      return [];
    }
    const { table, problems } = SniTable.build({ served: this.#listeners, unserved: this.#unserved }, material, this.#context.identities);
    this.#sni = table;
    for (const connection of this.#connections) this.#reconsider(connection);
    return problems;
  }

  /**
   * The terms for clients differ from those at the start of the connection. A connection without a valid certificate that is required now
   * is closed, except for its pending requests, and so is a connection of a listener that cannot be served any more; any other ends with
   * its next answer, so that its peer reconnects.
   */
  #reconsider({ tls, terms, codec }: Connection): void {
    if (tls === null || terms === null) return;
    const owner = this.#sni.find(tls.serverName);
    if (isUnserved(owner)) return codec.drain();
    const { trust } = owner?.identity?.terms ?? terms;
    if (isSame(trust, terms.trust)) return;
    if (isRefused(tls, trust)) codec.drain();
    else codec.retire();
  }

  #vouches(shown: Identity, host: string): boolean {
    const better = this.#sni.find(host)?.identity ?? null;
    return better === null || better === shown || !better.covers(host) || shown.covers(host);
  }

  #gone(): void {
    this.#context.limit.leave();
    this.#sockets--;
    this.#settle();
  }

  #settle(): void {
    if (!this.#retired || this.#sockets > 0) return;
    this.#context.wheel.disarm(this.#deadline);
    this.#closed.resolve();
  }
}

/** The name belongs to listeners that cannot be served. */
function isUnserved(owner: SniOwner | null): boolean {
  return owner !== null && owner.listeners.length === 0;
}

function isSame(a: HandshakeTerms['trust'], b: HandshakeTerms['trust']): boolean {
  return a?.version === b?.version;
}

/** Whether the handshake of this connection would fail now. */
function isRefused({ clientCertificate }: DownstreamTls, trust: HandshakeTerms['trust']): boolean {
  return trust !== null && trust.required && (clientCertificate === null || !clientCertificate.verified);
}

/** Null if no certificate is usable. */
function terminate({ identity }: SniOwner, http: boolean): HandshakeVerdict | null {
  return identity === null ? null : { action: 'terminate', identity, http };
}
