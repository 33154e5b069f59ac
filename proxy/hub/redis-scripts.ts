// What Redis does for topics, each at once: a stream with the last messages, the id of the last one that is gone, and a channel on which
// messages go out in the order of the stream.

/**
 * Keys: stream, floor. Arguments: data, messages to keep, age in ms, channel. Returns the id. The channel gets the id, that of the message
 * before it (`-` without one), and the data.
 */
export const PUBLISH = `
local before = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local previous = before[1] and before[1][1] or redis.call('GET', KEYS[2]) or '-'
local id = redis.call('XADD', KEYS[1], '*', 'd', ARGV[1])
local over = redis.call('XLEN', KEYS[1]) - tonumber(ARGV[2])
if over > 0 then
  local old = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', over)
  redis.call('SET', KEYS[2], old[#old][1])
  redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('PUBLISH', ARGV[4], id .. ' ' .. previous .. ' ' .. ARGV[1])
return id
`;

/** Keys: stream, floor. Argument: the id after which to read; '' reads nothing. Returns the last id, the floor, the time, and the messages. */
export const READ = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local floor = redis.call('GET', KEYS[2]) or ''
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local last = newest[1] and newest[1][1] or floor
if last == '' then last = string.format('%.0f', now - 1) .. '-0' end
local messages = {}
if ARGV[1] ~= '' then messages = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+') end
return { last, floor, string.format('%.0f', now), messages }
`;

/** Key: members by the ends of their times. Arguments: now, the end for a member, the member, the life of the key in ms. Returns those whose time is over. */
export const KEEP_MEMBER = `
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return gone
`;
