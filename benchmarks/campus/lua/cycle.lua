-- Requests from a file, one after another: method, path, body, entity tag.

local common = dofile(os.getenv("BENCH_COMMON"))
local requests, at = {}, 0

function init()
  for _, line in ipairs(common.lines()) do
    local method, path, body, tag = line:match("^(%S+)\t(%S+)\t([^\t]*)\t([^\t]*)$")
    local headers = common.headers()
    if tag ~= "" then
      headers["If-None-Match"] = tag
    end
    if body == "" then
      headers["Content-Type"] = nil
      body = nil
    end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  common.report(summary, latency)
end
