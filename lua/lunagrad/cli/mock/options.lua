--- The options of `lunagrad mock`, and its help.

local plan = require "lunagrad.cli.mock.plan"

local options = {}

options.spec = { name = "mock", options = {
  { names = { "--port" }, key = "port", type = "integer", min = 0, max = 65535,
    what = "a port number" },
  { names = { "--model" }, key = "model", type = "word", what = "a model of sim" },
  { names = { "--latency" }, key = "latency", type = "word", what = "milliseconds" },
  { names = { "--latency-seed" }, key = "latency_seed", type = "word", what = "a seed" },
  { names = { "--faults" }, key = "faults", type = "word", what = "a rate" },
  { names = { "--fault" }, key = "fault", type = "word", list = true, what = "KIND=RATE" },
  { names = { "--fault-seed" }, key = "fault_seed", type = "word", what = "a seed" },
  { names = { "--hang" }, key = "hang", type = "number", min = 0, max = 86400,
    what = "seconds" },
  { names = { "--rpm" }, key = "rpm", type = "integer", min = 1, what = "a count" },
  { names = { "--tpm" }, key = "tpm", type = "integer", min = 1, what = "a count" },
  { names = { "--no-retry-after" }, key = "no_retry_after", type = "flag" },
  { names = { "--split" }, key = "split", type = "word", what = "bytes, or random" },
  { names = { "--pace" }, key = "pace", type = "integer", min = 0, max = 60000,
    what = "milliseconds" },
  { names = { "--compatible" }, key = "compatible", type = "flag" },
  { names = { "--comments" }, key = "comments", type = "flag" },
  { names = { "--key" }, key = "key", type = "word", what = "the key clients must send" },
  { names = { "--journal" }, key = "journal", type = "word", what = "a file name" },
  { names = { "--ready-file" }, key = "ready_file", type = "word", what = "a file name" },
  { names = { "--once" }, key = "once", type = "integer", min = 1, what = "a count" },
  { names = { "--help", "-h" }, key = "help", type = "flag" },
} }

--- The text of `lunagrad help mock`.
function options.help()
  local kinds = {}
  for i, kind in ipairs(plan.kinds) do
    kinds[i] = ("    %-16s %s"):format(kind[1], kind[2])
  end
  return ([[
usage: lunagrad mock [options]

A model server on 127.0.0.1 that answers with "sim", lunagrad's rule-based stand-in for a language
model, is as strict as the real servers, and misbehaves as told: for tests of clients, without a
key or a bill. It speaks OpenAI (chat, responses, embeddings, images), Azure, Anthropic, Gemini
and Ollama, each at its own paths, whole and streamed. Ctrl-C ends it.

  --port N            listen there (default: a free port, which is printed)
  --model NAME        the sim model for clients that name another (default sim/default;
                      "sim/noise=0.2" and the like)
  --key KEY           the key that clients must send (default: any)
  --compatible        let unknown fields pass in OpenAI's dialects, as compatible servers do
  --latency SPEC      milliseconds before a reply: 200, uniform:50..400,
                      or tail:100,p=0.05,x20 (5%% of the replies take 20 times as long)
  --latency-seed S    other latencies for the same requests (default 1)
  --rpm N, --tpm N    requests and tokens a minute for each key; 429 above them
  --no-retry-after    say nothing of when to come again
  --split N|random    send streams in pieces of N bytes, or of 1 to 64
  --pace MS           the time from one piece (or event) of a stream to the next
  --comments          comments or pings between the events of streams
  --faults RATE       this share of the requests, such as 20%% or 0.2, fails in mixed ways
  --fault KIND=RATE   one kind of fault; may be given several times
  --fault-seed S      other faults for the same requests (default 1)
  --hang SECONDS      how long "timeout" holds a connection (default 600)
  --journal FILE      append every request, one JSON object a line
  --ready-file FILE   written with the base URL as soon as the server listens
  --once N            stop after N requests

  Kinds of fault:
%s

Faults and latencies depend on the seed, the request's body and how often that body was seen,
never on the order of arrival.

examples:
  lunagrad mock --port 8080 --latency 200
  lunagrad mock --faults 20%% --journal calls.jsonl
  lunagrad mock --rpm 600 --tpm 60000 --split 1
  lunagrad mock --port 8080 & OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=x \
      lunagrad run scripts/prompt.lua -m openai/anything
]]):format(table.concat(kinds, "\n"))
end

return options
