// What a test hands to the process that plays its nodes: written as JSON, read once.
import type { AddressPlan } from './address-plan.ts';

/** What runs in place of a container image, as an image would say it. Paths are this machine's: a container sees its files. */
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
  /** Paths of PEM files. `kubelet` is what nodes show to the API server, `kubeletCa` signed what it shows to them. */
  readonly files: {
    readonly apiServerCa: string;
    readonly kubeletCa: string;
    readonly kubeletCertificate: string;
    readonly kubeletKey: string;
  };
  /** Where Pods' files and logs go. */
  readonly folder: string;
  readonly plan: AddressPlan;
  readonly nodes: readonly NodeOptions[];
  /** By the name that a container's `image` has. */
  readonly images: Readonly<Record<string, Image>>;
}

/** Name of the file with the settings, as JSON. */
export const SETTINGS_FILE = 'nodes.json';

/** Name of the link to the test's own machine, inside. */
export const UPLINK = 'uplink';
