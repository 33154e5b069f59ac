// The test's side of the nodes: their process, and the link between its network and this machine.
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { TestCa } from '../support/certificates.ts';
import { until } from '../support/until.ts';
import { BLOCKS, nodeAddress, planOf } from './node/address-plan.ts';
import type { AddressPlan } from './node/address-plan.ts';
import { SETTINGS_FILE, UPLINK } from './node/settings.ts';
import type { Image, NodeOptions, NodeSettings } from './node/settings.ts';
import { Part } from './part.ts';

const PROGRAM = path.join(import.meta.dirname, 'node', 'main.ts');
/** New namespaces: all its processes and settings vanish with its process 1. */
const NAMESPACES = ['--net', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc'];
const ATTEMPTS = 20;

/** The nodes of a cluster. */
export interface NodesOptions {
  /** One node called `node-1` unless said otherwise. */
  readonly nodes?: readonly NodeOptions[];
  /** The program that runs for a container's `image`. */
  readonly images: Readonly<Record<string, Image>>;
}

/** PEM files with which the API server and the nodes authenticate each other. */
export interface KubeletFiles {
  readonly ca: string;
  /** Credentials of the API server for calls to a node. */
  readonly clientCertificate: string;
  readonly clientKey: string;
  /** Of the nodes. */
  readonly certificate: string;
  readonly key: string;
}

export class Nodes {
  readonly plan: AddressPlan;
  readonly part: Part;
  readonly names: readonly string[];
  readonly #pid: number;
  readonly files: KubeletFiles;
  readonly #folder: string;
  readonly #options: NodesOptions;

  private constructor(folder: string, options: NodesOptions, part: Part, { pid, plan, files }: Network) {
    this.#folder = folder;
    this.#options = options;
    this.part = part;
    this.#pid = pid;
    this.plan = plan;
    this.files = files;
    this.names = nodesOf(options).map(({ name }) => name);
  }

  /** Starts their process in an empty network and links it to this machine. It waits for `connect`. */
  static async open(folder: string, options: NodesOptions): Promise<Nodes> {
    const part = new Part('unshare', [...NAMESPACES, '--', process.execPath, PROGRAM, folder], folder, 'nodes');
    try {
      const pid = await namespaceOf(part);
      const plan = link(pid);
      return new Nodes(folder, options, part, { pid, plan, files: await issue(folder, plan, nodesOf(options).length) });
    } catch (error) {
      await part.stop();
      throw error;
    }
  }

  /** Gives them the address of the API server: they register, and run Pods from then on. */
  begin(url: string, token: string, apiServerCa: string): void {
    const { ca: kubeletCa, certificate: kubeletCertificate, key: kubeletKey } = this.files;
    const settings: NodeSettings = {
      url,
      token,
      files: { apiServerCa, kubeletCa, kubeletCertificate, kubeletKey },
      folder: this.#folder,
      plan: this.plan,
      nodes: nodesOf(this.#options),
      images: this.#options.images,
    };
    const file = path.join(this.#folder, SETTINGS_FILE);
    writeFileSync(`${file}.partial`, JSON.stringify(settings), { mode: 0o600 });
    renameSync(`${file}.partial`, file);
  }

  /**
   * Lets Pods vanish without a word, as the loss of their node does: packets to and from them are lost. The API server keeps them, and the
   * nodes report them as not ready after as many failed probes as their Pods allow.
   */
  vanish(addresses: readonly string[]): void {
    for (const address of addresses) {
      const link = `pod-${address.split('.').slice(2).join('-')}`;
      this.#ip(`link set ${link} down`);
      this.#ip(`route replace blackhole ${address}/32`);
    }
  }

  #ip(command: string): void {
    execFileSync('nsenter', ['--net', '--target', String(this.#pid), 'ip', ...command.split(' ')], { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** Ends their process and all containers; resolves when their network is removed too. */
  async stop(): Promise<void> {
    await this.part.stop();
    await until(() => !existsSync(`/sys/class/net/${this.plan.link}`), 'the end of the network of the nodes');
  }
}

/** The process that holds the namespaces, its addresses and its credentials. */
interface Network {
  readonly pid: number;
  readonly plan: AddressPlan;
  readonly files: KubeletFiles;
}

function nodesOf({ nodes = [{ name: 'node-1' }] }: NodesOptions): readonly NodeOptions[] {
  return nodes;
}

/** The pid on this machine of the process that holds the namespaces. */
async function namespaceOf({ pid }: Part): Promise<number> {
  const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  await until(() => children() !== '', 'the process of the nodes');
  const child = Number(children());
  await until(() => readlinkSync(`/proc/${child}/ns/net`) !== readlinkSync('/proc/self/ns/net'), 'the network of the nodes');
  return child;
}

/** Reserves a block of addresses that no other cluster has, by a link with its name: a second link of that name is refused. */
function link(pid: number): AddressPlan {
  const first = randomInt(BLOCKS);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const plan = planOf((first + attempt) % BLOCKS);
    if (existsSync(`/sys/class/net/${plan.link}`)) continue;
    ip(`link add ${plan.link} type veth peer name ${UPLINK} netns ${pid}`);
    ip(`address add ${plan.host}/32 dev ${plan.link}`);
    ip(`link set ${plan.link} up`);
    ip(`route add ${plan.gateway}/32 dev ${plan.link} src ${plan.host}`);
    ip(`route add ${plan.block} via ${plan.gateway} dev ${plan.link} src ${plan.host}`);
    return plan;
  }
  throw new Error('found no block of addresses that is free');
}

function ip(command: string): void {
  execFileSync('ip', command.split(' '), { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function issue(folder: string, plan: AddressPlan, count: number): Promise<KubeletFiles> {
  const ca = await TestCa.create(folder);
  const names = Array.from({ length: count }, (_, number) => `IP:${nodeAddress(plan, number)}`);
  const node = await ca.issue('nodes', names.join(','));
  const client = await ca.issue('kube-apiserver', '');
  const { certificate, privateKey: key } = node;
  return { ca: ca.certificate, certificate, key, clientCertificate: client.certificate, clientKey: client.privateKey };
}
