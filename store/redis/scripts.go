package redis

import (
	"crypto/sha1" // #nosec G505 -- Redis names scripts by it
	"encoding/hex"
)

// script is a program that Redis runs in one step.
type script struct{ text, sha string }

func newScript(parts ...string) script {
	text := ""
	for _, part := range parts {
		text += part + "\n"
	}
	sum := sha1.Sum([]byte(text)) // #nosec G401 -- Redis names scripts by it
	return script{text, hex.EncodeToString(sum[:])}
}

// command gives the arguments of EVAL or EVALSHA.
func (sc script) command(name, which string, names []string, args []any) []any {
	all := make([]any, 0, 3+len(names)+len(args))
	all = append(all, name, which, len(names))
	for _, n := range names {
		all = append(all, n)
	}
	return append(all, args...)
}

var (
	createScript    = newScript(luaClock, luaEnter, luaWrite, luaCreate)
	swapScript      = newScript(luaClock, luaEnter, luaWrite, luaVersion, luaSwap)
	swapSmallScript = newScript(luaClock, luaEnter, luaWrite, luaVersion, luaTags, luaLeave, luaSwapSmall)
	takeSmallScript = newScript(luaTags, luaLeave, luaTakeSmall)
	enterScript     = newScript(luaClock, luaEnter, luaEnterOnly)
	dropScript      = newScript(luaClock, luaDrop)
	dropSmallScript = newScript(luaTags, luaDropSmall)
	addScript       = newScript(luaAdd)
)

// The score of an entry in an x: set is its end (Unix seconds, NEVER for none) times 2^20, plus the minute in which it was
// made modulo 2^20: numbers below 2^53, which Lua and Redis hold exactly.
const luaClock = `
local NEVER, SHIFT = 4294967295, 1048576
local time = redis.call('TIME')
local now, minute = tonumber(time[1]), math.floor(tonumber(time[1]) / 60) % SHIFT
local function score(ends, made) return string.format('%.0f', ends * SHIFT + made) end`

// enterer gives what puts an id into an index until left milliseconds from now, and lets the index itself end with its last
// entry. An entry that ends later already keeps its end: the writer of an earlier one may yet lose its race. Both sisters hold
// the same ids, and live as long as the entry that ends last needs them. One writer in four, by the clock, drops a few entries
// that ended long ago.
//
// A record is entered under many tags at once: what is the same for all is worked out once, and numbers are texts, since Redis
// takes as long to print a number of Lua as to look up a key.
const luaEnter = `
local function enterer(left, slack)
	local last = NEVER
	if left ~= '' then last = math.min(now + math.ceil((tonumber(time[2]) / 1000 + tonumber(left)) / 1000), NEVER) end
	local fresh, gone = score(last, minute), (now + tonumber(time[2])) % 4 == 0 and score(now - slack, 0)
	return function(index, sister, id)
		local ends, entry = last, fresh
		local top = redis.call('ZREVRANGE', sister, '0', '0', 'WITHSCORES')
		if redis.call('ZADD', index, '0', id) == 0 then
			local old = redis.call('ZSCORE', sister, id)
			if old then ends = math.max(ends, math.floor(tonumber(old) / SHIFT)) end
			entry = score(ends, minute)
		end
		redis.call('ZADD', sister, entry, id)
		if gone then
			for _, over in ipairs(redis.call('ZRANGEBYSCORE', sister, '-inf', gone, 'LIMIT', '0', '12')) do
				redis.call('ZREM', index, over)
				redis.call('ZREM', sister, over)
			end
		end
		if top[2] and ends <= math.floor(tonumber(top[2]) / SHIFT) then return end
		for _, key in ipairs({index, sister}) do
			if ends >= NEVER then
				redis.call('PERSIST', key)
			else
				redis.call('EXPIREAT', key, ends + slack + 60)
			end
		end
	end
end`

// A script that writes the record first is refused as a whole where there is no memory left.
const luaWrite = `
local slack, id, listed, left, value = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local function put()
	if left == '' then
		redis.call('SET', KEYS[1], value)
	elseif left == '0' then
		redis.call('DEL', KEYS[1])
	else
		redis.call('SET', KEYS[1], value, 'PX', left)
	end
end
local function list()
	local enter = enterer(listed, slack)
	for n = 2, #KEYS, 2 do enter(KEYS[n], KEYS[n + 1], id) end
end`

const luaCreate = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
put()
list()
return 1`

// The version is bytes 1 to 8 of a record. Before a no, SETRANGE of nothing changes nothing and fails on a replica, whose
// no would be worth nothing.
const luaVersion = `
local function compare(version)
	local found = redis.call('GETRANGE', KEYS[1], 1, 8)
	if found == version then return 1 end
	redis.call('SETRANGE', KEYS[1], 0, '')
	return redis.call('EXISTS', KEYS[1]) - 1
end`

const luaSwap = `
local outcome = compare(ARGV[6])
if outcome == 1 then
	put()
	list()
end
return outcome`

const luaSwapSmall = `
local outcome = compare(ARGV[6])
if outcome == 1 then
	local old = tags(redis.call('GET', KEYS[1]))
	put()
	leave(old, id, KEYS[2], KEYS[3])
	list()
end
return outcome`

// tags reads the tags in a record; one of an unknown form has none.
const luaTags = `
local function tags(value)
	local list, at = {}, 18
	local function uvarint()
		local n, unit = 0, 1
		while true do
			local byte = string.byte(value, at)
			if not byte then return 0 end
			at = at + 1
			if byte < 128 then return n + byte * unit end
			n, unit = n + (byte - 128) * unit, unit * 128
		end
	end
	if string.byte(value, 1) ~= 1 then return list end
	for _ = 1, math.min(uvarint(), 16) do
		local size = uvarint()
		list[#list + 1] = string.sub(value, at, at + size - 1)
		at = at + size
	end
	return list
end`

const luaLeave = `
local function leave(list, id, index, sister)
	redis.call('ZREM', index, id)
	redis.call('ZREM', sister, id)
	for _, tag in ipairs(list) do
		redis.call('ZREM', index .. ':' .. tag, id)
		redis.call('ZREM', sister .. ':' .. tag, id)
	end
end`

const luaTakeSmall = `
local value = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1]) -- fails on a replica, whether there is a record or not
if not value then return false end
leave(tags(value), ARGV[1], KEYS[2], KEYS[3])
return value`

const luaEnterOnly = `
enterer(ARGV[3], tonumber(ARGV[1]))(KEYS[1], KEYS[2], ARGV[2])
return 1`

// drop removes entries of a spread kind that had no record a moment ago. One that was made lately is left alone, because
// its record may be about to be written.
const luaDrop = `
local grace = tonumber(ARGV[1])
for n = 2, #ARGV do
	local old = redis.call('ZSCORE', KEYS[2], ARGV[n])
	local age = old and (minute - tonumber(old) % SHIFT) % SHIFT or grace
	if age >= grace and age < SHIFT / 2 then
		redis.call('ZREM', KEYS[1], ARGV[n])
		redis.call('ZREM', KEYS[2], ARGV[n])
	end
end
return 1`

// dropSmall removes those entries of a small kind that have no record with the tag now.
const luaDropSmall = `
local function stale(value)
	if not value then return true end
	if ARGV[1] == '' then return false end
	for _, tag in ipairs(tags(value)) do
		if tag == ARGV[1] then return false end
	end
	return true
end
for n = 2, #ARGV do
	if stale(redis.call('GET', KEYS[n + 1])) then
		redis.call('ZREM', KEYS[1], ARGV[n])
		redis.call('ZREM', KEYS[2], ARGV[n])
	end
end
return 1`

// A number from 2^53 on would lose its last digits in Lua.
const luaAdd = `
local began = redis.call('EXISTS', KEYS[1]) == 0
local value = redis.call('INCRBY', KEYS[1], ARGV[1])
if began then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if math.abs(value) >= 9007199254740992 then return redis.call('GET', KEYS[1]) end
return value`
