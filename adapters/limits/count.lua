-- Count one in the window of a key, unless it is full. Times are this server's, in microseconds.
-- ARGV: how many there may be, the microseconds of the window, and the name of this one.
-- Answers whether it was counted, how many are in the window now, and the microseconds until there may be another.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local from = string.format('(%.0f', now - window)
local seen = redis.call('ZCOUNT', KEYS[1], from, '+inf')
if seen >= most then
    local next_out = redis.call('ZRANGEBYSCORE', KEYS[1], from, '+inf', 'WITHSCORES', 'LIMIT', seen - most, 1)
    return {0, seen, math.max(tonumber(next_out[2]) + window - now, 1)}
end
-- The first that writes, so that a server without memory refuses it.
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - window))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return {1, seen + 1, 0}
