// The topics of a worker: the subscribers of each, and the stores that they come from.
import { err, ok, type Result } from '#lib/result.ts';
import type { HubTerms, HubTopics, Subscriber, TopicMember, TopicPlace, Topics, Unsubscribe } from '../exchange/topics.ts';
import { FollowedTopic, type FollowedTopicOptions } from './followed-topic.ts';
import { NEWS_HISTORY, newsOf, newsTopic } from './member-news.ts';
import type { StoredMessage, StoreListener, TopicStore } from './topic-store.ts';

/** Makes the store of a place; null: there is none. */
export type StoreMakers = Readonly<Record<TopicPlace, (listener: StoreListener) => TopicStore | null>>;

/** The topics in one place. */
class Place implements StoreListener {
  readonly store: TopicStore | null;
  readonly followed = new Map<string, FollowedTopic>();

  constructor(make: (listener: StoreListener) => TopicStore | null) {
    this.store = make(this);
  }

  arrived(topic: string, message: StoredMessage): void {
    this.followed.get(topic)?.arrived(message);
  }

  missed(topic: string): void {
    this.followed.get(topic)?.missed();
  }
}

export class WorkerTopics implements Topics {
  readonly #makers: StoreMakers;
  readonly #places = new Map<TopicPlace, Place>();

  constructor(makers: StoreMakers) {
    this.#makers = makers;
  }

  hub(terms: HubTerms): HubTopics {
    let place = this.#places.get(terms.place);
    if (place === undefined) this.#places.set(terms.place, (place = new Place(this.#makers[terms.place])));
    return new Hub(terms, place);
  }

  close(): void {
    for (const { store } of this.#places.values()) store?.close();
  }
}

const NO_REDIS = 'the proxy has no Redis, see --redis-url';
const NO_STORE = err(NO_REDIS);

class Hub implements HubTopics {
  readonly #terms: HubTerms;
  readonly #place: Place;

  constructor(terms: HubTerms, place: Place) {
    this.#terms = terms;
    this.#place = place;
  }

  publish(topic: string, data: string): Promise<Result<string>> {
    const { store } = this.#place;
    return store === null ? Promise.resolve(NO_STORE) : store.publish(this.#key(topic), data, this.#terms.history);
  }

  subscribe(topic: string, subscriber: Subscriber, after: string | null): Unsubscribe {
    return this.#follow({ key: this.#key(topic), name: topic, history: this.#terms.history }, subscriber, after);
  }

  watchMembers(topic: string, subscriber: Subscriber): Unsubscribe {
    return this.#follow({ key: newsTopic(this.#key(topic)), name: topic, history: NEWS_HISTORY }, subscriber, null);
  }

  #follow(topic: Omit<FollowedTopicOptions, 'store'>, subscriber: Subscriber, after: string | null): Unsubscribe {
    const { key, name } = topic;
    const { store, followed } = this.#place;
    if (store === null) {
      queueMicrotask(() => subscriber.failed(name, NO_REDIS));
      return () => undefined;
    }
    let known = followed.get(key);
    if (known === undefined) {
      known = new FollowedTopic({ ...topic, store });
      followed.set(key, known);
    }
    const end = known.subscribe(subscriber, after);
    return () => {
      end();
      if (!known.isUnused || followed.get(key) !== known) return;
      followed.delete(key);
      store.unfollow(key);
    };
  }

  enter(topic: string, member: TopicMember): void {
    this.#place.store?.enter(this.#key(topic), member);
    this.#tell(topic, newsOf('joined', member));
  }

  leave(topic: string, member: TopicMember): void {
    this.#place.store?.leave(this.#key(topic), member);
    this.#tell(topic, newsOf('left', member));
  }

  #tell(topic: string, news: string): void {
    void this.#place.store?.publish(newsTopic(this.#key(topic)), news, NEWS_HISTORY);
  }

  async presence(topic: string): Promise<Result<{ readonly names: readonly string[]; readonly count: number }>> {
    const { store } = this.#place;
    if (store === null) return NO_STORE;
    const members = await store.members(this.#key(topic));
    if (!members.ok) return members;
    const names = new Set(members.value.map(({ name }) => name).filter((name) => name !== ''));
    return ok({ names: [...names].sort(), count: members.value.length });
  }

  #key(topic: string): string {
    return `${this.#terms.name} ${topic}`;
  }
}
