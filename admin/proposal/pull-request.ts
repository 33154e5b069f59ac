// Opens a pull request at the provider of a repository.
import { text as readText } from 'node:stream/consumers';
import { isObject, type JsonValue } from '#lib/canonical-json.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { GitClient } from './git-client.ts';

/** The providers that are known; None: the branch is pushed, and the answer has the link of the server, if it sends one. */
export const PROVIDERS = ['None', 'GitHub', 'GitLab', 'Gitea'] as const;

export type Provider = (typeof PROVIDERS)[number];

/** A request for a review. */
export interface PullRequest {
  readonly title: string;
  readonly description: string;
  readonly branch: string;
  readonly target: string;
}

/** How a provider takes a pull request. */
interface ProviderApi {
  /** The base of the API at a host, unless a flag has it. */
  readonly base: (host: string) => string;
  readonly path: (repository: string) => string;
  readonly authorization: (token: string) => Readonly<Record<string, string>>;
  readonly body: (request: PullRequest) => object;
  /** The member of the answer with the URL for people. */
  readonly url: string;
}

const APIS: Readonly<Record<Exclude<Provider, 'None'>, ProviderApi>> = {
  GitHub: {
    base: (host) => (host === 'github.com' ? 'https://api.github.com' : `https://${host}/api/v3`),
    path: (repository) => `/repos/${encodedPath(repository)}/pulls`,
    authorization: (token) => ({ authorization: `Bearer ${token}` }),
    body: ({ title, description: body, branch: head, target: base }) => ({ title, body, head, base }),
    url: 'html_url',
  },
  GitLab: {
    base: (host) => `https://${host}/api/v4`,
    path: (repository) => `/projects/${encodeURIComponent(repository)}/merge_requests`,
    authorization: (token) => ({ authorization: `Bearer ${token}` }),
    body: ({ title, description, branch: source_branch, target: target_branch }) => ({ title, description, source_branch, target_branch }),
    url: 'web_url',
  },
  Gitea: {
    base: (host) => `https://${host}/api/v1`,
    path: (repository) => `/repos/${encodedPath(repository)}/pulls`,
    authorization: (token) => ({ authorization: `token ${token}` }),
    body: ({ title, description: body, branch: head, target: base }) => ({ title, body, head, base }),
    url: 'html_url',
  },
};

function encodedPath(repository: string): string {
  return repository.split('/').map(encodeURIComponent).join('/');
}

/** The base of the API of a provider for a repository; '' without one. */
export function apiBase(provider: Provider, repository: string): string {
  return provider === 'None' ? '' : APIS[provider].base(new URL(repository).host);
}

/** Opens it, and tells its URL; or why that is not possible, in words without the answer of the server. */
export async function openPullRequest(
  client: GitClient,
  {
    provider,
    api,
    repository,
    token,
  }: { readonly provider: Exclude<Provider, 'None'>; readonly api: string; readonly repository: string; readonly token: string },
  request: PullRequest,
): Promise<Result<string>> {
  const known = APIS[provider];
  const name = new URL(repository).pathname.replace(/^\//, '').replace(/(\.git)?\/?$/, '');
  const headers = { 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'weir', ...known.authorization(token) };
  const answer = await client.send(api + known.path(name), 'POST', headers, JSON.stringify(known.body(request)));
  const body = parsed(await readText(answer.body));
  if (answer.statusCode < 200 || answer.statusCode > 299) return err(`${provider} answers ${answer.statusCode}`);
  const url = isObject(body) ? body[known.url] : undefined;
  return typeof url === 'string' && url.startsWith('https://') ? ok(url.slice(0, 2_000)) : err(`${provider} answers without a URL`);
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}

/** The link for a pull request in what a server says about a push; '' without one. Only a link to the server itself counts. */
export function linkIn(said: string, repository: string): string {
  const links = said.match(/https:\/\/[^\s"'<>\x00-\x1f]{1,2000}/g) ?? [];
  return links.find((link) => URL.canParse(link) && new URL(link).origin === new URL(repository).origin) ?? '';
}
