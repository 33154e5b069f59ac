// A revision: one version of a configuration object that was in force, or its deletion.
import { hash } from 'node:crypto';
import type { ObjectRef } from '#api/k8s/object.ts';
import { canonicalJson, isObject, type JsonObject } from '#lib/canonical-json.ts';
import { memberOf, withMember } from '#lib/json-value.ts';
import { comparedObject } from '../configuration/hidden-data.ts';
import { SERVER_FIELDS } from '../configuration/planned-change.ts';

/** The way by which a change came: the admin API, a file of the folder, or another client of the API server. */
export type RevisionOrigin = 'api' | 'folder' | 'kubernetes';

/** The author of a change, as far as it is known. */
export interface RevisionActor {
  /** `program`: a change outside of the admin API. */
  readonly kind: 'user' | 'token' | 'serviceAccount' | 'anonymous' | 'program';
  /** The id in the store; '' for programs. */
  readonly id: string;
  /** The name of the caller, the field manager, or the file. */
  readonly name: string;
}

/** A change that has come into force. */
export interface RevisionChange {
  readonly ref: ObjectRef;
  /** The object as contentOf() makes it; null: it was deleted. */
  readonly content: JsonObject | null;
  readonly actor: RevisionActor;
  /** Why, in the words of the author; ''. */
  readonly reason: string;
  readonly origin: RevisionOrigin;
  /** The id of the request that made it; ''. */
  readonly requestId: string;
}

/** A recorded change, without its content. */
export interface Revision extends Omit<RevisionChange, 'content'> {
  /** 1 for the first change of any object; each next one has the next number. */
  readonly revision: number;
  /** Milliseconds since the epoch, by the clock of the store. */
  readonly at: number;
  /** The SHA-256 of the content; null: the object was deleted. */
  readonly hash: string | null;
}

/** An object at some time; `content` null: it did not exist. */
export interface ObjectState {
  readonly ref: ObjectRef;
  readonly content: JsonObject | null;
}

/** The object without what servers and tools set, so that it can be compared and applied again. A Secret has names of entries only. */
export function contentOf(object: JsonObject): JsonObject {
  const compared = comparedObject(object, 'before', new Set());
  const { status: _, ...rest } = isObject(compared) ? compared : {};
  const metadata = memberOf(rest, 'metadata');
  if (!isObject(metadata)) return rest;
  const own = SERVER_FIELDS.reduce((left, field) => withMember(left, field, undefined), metadata);
  const annotations = memberOf(own, 'annotations');
  const isEmpty = isObject(annotations) && Object.keys(annotations).length === 0;
  return { ...rest, metadata: isEmpty ? withMember(own, 'annotations', undefined) : own };
}

/** A content as it is stored. */
export interface HashedContent {
  /** Its canonical JSON. */
  readonly text: string;
  /** The SHA-256 of the text, in hexadecimal digits. */
  readonly hash: string;
}

/** The canonical text of a content, and its SHA-256. */
export function hashed(content: JsonObject): HashedContent {
  const text = canonicalJson(content);
  return { text, hash: hash('sha256', text, 'hex') };
}
