// What Redis does for the cache, each at once.
//
// The answers of a URL are one hash: for each key of a request the names by which its answers vary, and for each variant the answer. A number
// beside it grows whenever they become invalid, so that an answer that was on its way then is not stored. Purges that are not of one URL have
// numbers too; an answer has the number of the last one that was known when it was asked for.
import { redisScript } from '#lib/redis-script.ts';

/** How long a URL remembers that its answers became invalid, milliseconds: no older request stores its answer. */
export const GENERATION_MS = 60_000;
/** Purges that are remembered. An answer from before all of them is not used. */
export const MAX_PURGES = 10_000;
/** Fields of a hash: more of them replace all, so that no client fills Redis with one URL. */
const MAX_FIELDS = 128;

/** Keys: answers, generation. Arguments: the fields of the names and of the answer, the longest answer. */
export const FIND = redisScript(`
local answer = false
if redis.call('HSTRLEN', KEYS[1], ARGV[2]) <= tonumber(ARGV[3]) then answer = redis.call('HGET', KEYS[1], ARGV[2]) end
return { redis.call('GET', KEYS[2]) or '', redis.call('HGET', KEYS[1], ARGV[1]) or '', answer }
`);

/** Keys: answers, generation. Arguments: the known generation, the field and the text of the names, those of the answer, milliseconds. */
export const STORE = redisScript(`
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
if redis.call('HLEN', KEYS[1]) >= ${MAX_FIELDS} and redis.call('HEXISTS', KEYS[1], ARGV[4]) == 0 then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
return 1
`);

/** Keys: answers, generation. Returns whether there were answers. */
export const INVALIDATE = redisScript(`
redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ${GENERATION_MS})
return redis.call('DEL', KEYS[1])
`);

/** Keys: state, a list of purges. Arguments: the name of the list, the purge. */
export const RECORD = redisScript(`
local number = redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
redis.call('ZADD', KEYS[2], number, number .. ' ' .. ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -${MAX_PURGES + 1})
return number
`);

/**
 * Keys: state, purges, urls. Arguments: a name for a new era, the known era, the last known numbers of both lists, the most purges to return.
 * A state that is lost, or does not fit the purges, begins an era: older answers are not used. Returns the era, and of each list the number of
 * the last purge and those after the known one.
 */
export const SYNC = redisScript(`
local function last(name) return tonumber(redis.call('HGET', KEYS[1], name) or '0') end
local era = redis.call('HGET', KEYS[1], 'era')
if not era or redis.call('ZCARD', KEYS[2]) < math.min(last('purges'), ${MAX_PURGES}) then
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
  era = ARGV[1]
  redis.call('HSET', KEYS[1], 'era', era)
end
local purges, urls = ARGV[3], ARGV[4]
if era ~= ARGV[2] then purges, urls = 0, last('urls') end
local function after(key, number) return redis.call('ZRANGEBYSCORE', key, '(' .. number, '+inf', 'LIMIT', 0, ARGV[5]) end
return { era, last('purges'), after(KEYS[2], purges), last('urls'), after(KEYS[3], urls) }
`);
