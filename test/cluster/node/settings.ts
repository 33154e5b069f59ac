// The settings from a test to the process of its nodes: written as JSON, read once.
import type { AddressPlan } from './address-plan.ts';

/** The program that runs for a container image, as in an image configuration. Paths are those of this machine, which containers see. */
export interface Image {
  /** A container's `command` replaces it. */
  readonly entrypoint?: readonly string[];
  /** A container's `args` replace it; so does its `command`. */
  readonly arguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
}

/** One node. */
export interface NodeOptions {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface NodeSettings {
  /** The API server. */
  readonly url: string;
  readonly token: string;
  /** Paths of PEM files. `kubelet`: certificate of nodes for the API server; `kubeletCa`: CA of its clients. */
  readonly files: {
    readonly apiServerCa: string;
    readonly kubeletCa: string;
    readonly kubeletCertificate: string;
    readonly kubeletKey: string;
  };
  /** The folder for files and logs of Pods. */
  readonly folder: string;
  readonly plan: AddressPlan;
  readonly nodes: readonly NodeOptions[];
  /** By image name. */
  readonly images: Readonly<Record<string, Image>>;
}

/** Name of the file with the settings, as JSON. */
export const SETTINGS_FILE = 'nodes.json';

/** Name of the link to the test's own machine, inside. */
export const UPLINK = 'uplink';
