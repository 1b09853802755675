#!/bin/sh
# run.sh - measures the limits that lunagrad wants to hold and prints one table.
#
# Usage: benchmarks/run.sh [ROW…]      rows: cpu instructions log flat memory growth
#                                      latency pipeline waves startup idle graph
#                                      journal journal_instructions durable
#                                      served served_instructions open
#                                      sandbox sandbox_busy
#   BUILD=build        where the programs are (`make bench` builds them)
#   BENCH_ROUNDS=5     interleaved rounds behind each median
#   BENCH_CALLS=1000000  calls of the row "growth"
#
# The engine and its yardstick (bare.c) take turns within one run, so that noise
# of the machine falls on both; what is compared is CPU time and instructions, not
# requests per second. Nothing fails when a limit is passed: the row says "over".
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
rounds=${BENCH_ROUNDS:-5}
bench=$build/benchmarks
lua=${LUA:-lua5.4}
tmp=$(mktemp -d) || exit 1
server=
trap 'stop_server; rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
LUA_PATH="$PWD/?.lua;;"
case "$build" in
/*) LUA_CPATH="$build/?.so;;" ;;
*) LUA_CPATH="$PWD/$build/?.so;;" ;;
esac
export LUA_PATH LUA_CPATH BENCH_API_KEY=bench-key-000000

# start_server OPTION… - sets $port
start_server() {
    : >"$tmp/port"
    "$bench/null_server" --cpu 1 "$@" >"$tmp/port" &
    server=$!
    until port=$(sed -n 's/^port //p' "$tmp/port") && [ -n "$port" ]; do
        kill -0 "$server" 2>/dev/null || exit 1
        sleep 0.05
    done
    export BENCH_BASE_URL="http://127.0.0.1:$port/v1"
}

stop_server() {
    [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null
    server=
}

# value NAME FILE - the median of name=value over the lines of a file
value() {
    tr ' ' '\n' <"$2" | sed -n "s/^$1=//p" | sort -n |
        awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "nan" }'
}

# calc EXPRESSION - a number; nan when a part of it was not measured
calc() {
    case "$1" in
    *nan*) echo nan ;;
    *) awk "BEGIN { x = $1; printf (x >= 1000 || x <= -1000) ? \"%.0f\" : \"%.4g\", x }" ;;
    esac
}

# row NAME LIMIT MEASURED VERDICT WHAT - verdict: a condition for awk
row() {
    case "$4" in
    *nan*) verdict=FAILED ;;
    *) verdict=$(awk "BEGIN { print ($4) ? \"within\" : \"OVER\" }") ;;
    esac
    printf '%-54s %-16s %-44s %-7s %s\n' "$5" "$2" "$3" "$verdict" "benchmarks/run.sh $1"
}

# pair CALLS OPTION… - interleaved rounds of both, into $tmp/bare and $tmp/engine
pair() {
    calls=$1
    shift
    : >"$tmp/bare" >"$tmp/engine"
    for _ in $(seq "$rounds"); do
        "$bench/bare" --port "$port" --calls "$calls" --cpu 0 "$@" >>"$tmp/bare"
        "$bench/engine_bench" --port "$port" --calls "$calls" --cpu 0 "$@" >>"$tmp/engine"
    done
}

cpu() {
    start_server
    pair 20000 --inflight 128
    stop_server
    a=$(value cpu_us "$tmp/bare") b=$(value cpu_us "$tmp/engine") r=$(calc "$b / $a")
    row cpu "1.5 x bare" "$r x ($b us, bare $a us)" "$r <= 1.5" \
        "CPU a call, 128 in flight"
}

# count CALLS PROGRAM OPTION… - user instructions of a whole run, and those of digests
count() {
    calls=$1 program=$2
    shift 2
    valgrind -q --tool=callgrind --callgrind-out-file="$tmp/cg" "$bench/$program" --port "$port" \
        --calls "$calls" --inflight 128 "$@" >/dev/null 2>&1
    callgrind_annotate --threshold=100 --auto=no "$tmp/cg" | awk '
        { gsub(/,/, "") }
        /PROGRAM TOTALS/ { all = $1 }
        /base\/digest.c:|:compress_wide/ { digest += $1 }
        END { printf "all=%d digest=%d\n", all, digest }'
}

# count_log BENCH LEVEL - instructions of 2,000 calls, in thousands a call, with a log of that level
count_log() {
    for calls in 1128 3128; do
        valgrind -q --tool=callgrind --callgrind-out-file="$tmp/cg" "$1/engine_bench" \
            --port "$port" --calls $calls --inflight 128 --log "$2" >/dev/null 2>&1
        callgrind_annotate --threshold=1 --auto=no "$tmp/cg" |
            awk '{ gsub(/,/, "") } /PROGRAM TOTALS/ { print $1 }'
    done | awk '{ v[NR] = $1 } END { print NR == 2 ? (v[2] - v[1]) / 2e6 : "nan" }'
}

# The same engine without its debug lines (LG_QUIET), and with them unheard, and heard.
log() {
    make BUILD="$build/quiet" CFLAGS=-DLG_QUIET "$build/quiet/benchmarks/engine_bench" >/dev/null
    start_server
    none=$(count_log "$build/quiet/benchmarks" 0)
    off=$(count_log "$bench" 0)
    on=$(count_log "$bench" 4)
    stop_server
    p=$(calc "($off / $none - 1) * 100")
    row log "0.5%" "$p% ($off k, without $none k; heard $on k)" "$p <= 0.5" \
        "Instructions a call that debug lines nobody hears add"
}

# difference FIELD NAME - thousands of instructions a call
difference() { calc "($(value "$1" "$tmp/$2.more") - $(value "$1" "$tmp/$2.less")) / 2e6"; }

# count_both NAME PROGRAM OPTION… - short runs and long ones, into $tmp/NAME.less and .more:
# start-up falls out of their difference. Each has a new store, unless $kept_store is set.
count_both() {
    name=$1
    shift
    [ -s "$tmp/$name.more" ] && return
    for _ in $(seq "$(((rounds + 1) / 2))"); do
        [ -n "${kept_store:-}" ] || rm -rf "$tmp/store"
        count 1128 "$@" >>"$tmp/$name.less"
        [ -n "${kept_store:-}" ] || rm -rf "$tmp/store"
        count 3128 "$@" >>"$tmp/$name.more"
    done
}

instructions() {
    start_server
    count_both bare bare
    count_both plain engine_bench
    stop_server
    a=$(difference all bare) b=$(difference all plain) c=$(difference digest plain)
    row instructions "165 k" "$b k ($(calc "$b / $a") x bare, $a k; digest $c k)" "$b <= 165" \
        "User instructions a call, 128 in flight (callgrind)"
}

# flat_rounds N - 1,000 and 10,000 in flight in turn, the server thinks for 2 s
flat_rounds() {
    start_server --think 2000
    : >"$tmp/1k" >"$tmp/10k"
    for _ in $(seq "$1"); do
        "$bench/engine_bench" --port "$port" --calls 3000 --inflight 1000 --cpu 0 >>"$tmp/1k"
        "$bench/engine_bench" --port "$port" --calls 30000 --inflight 10000 --cpu 0 >>"$tmp/10k"
    done
    stop_server
}

flat() {
    flat_rounds "$(((rounds + 1) / 2))"
    a=$(value cpu_us "$tmp/1k") b=$(value cpu_us "$tmp/10k") r=$(calc "$b / $a")
    row flat "1.3 x at 1,000" "$r x ($b us, at 1,000 $a us)" "$r <= 1.3" \
        "CPU a call, 10,000 in flight for 2 s"
}

memory() {
    [ -s "$tmp/10k" ] || flat_rounds 1
    m=$(value kb_per_inflight "$tmp/10k")
    row memory "32 KB" "$m KB" "$m <= 32" "Memory a call in flight, 10,000 in flight"
}

growth() {
    start_server
    "$bench/engine_bench" --port "$port" --calls "${BENCH_CALLS:-1000000}" --inflight 128 \
        --cpu 0 >"$tmp/growth"
    stop_server
    kb=$(calc "$(value rss_kb "$tmp/growth") - $(value rss_tenth_kb "$tmp/growth")")
    fds=$(calc "$(value fds "$tmp/growth") - $(value fds_tenth "$tmp/growth")")
    row growth "none" "$kb KB, $fds descriptors" "$kb <= 1024 && $fds <= 0" \
        "Growth from a tenth to all of ${BENCH_CALLS:-1000000} calls"
}

latency() {
    start_server --busy 1
    pair 20000 --inflight 1 --busy 1
    stop_server
    a=$(value p50_us "$tmp/bare") b=$(value p50_us "$tmp/engine")
    p=$(value p99_us "$tmp/bare") q=$(value p99_us "$tmp/engine")
    row latency "bare + 40 us" "+$(calc "$b - $a") us (bare $a; p99 $q, bare $p)" \
        "$b - $a <= 40 && $q - $p < 10000" "Median of one call at a time, both sides polling"
}

# lua FILE ARGUMENT… - with the module, as a script in a stock Lua
lua() { "${LUA:-lua5.4}" "$@"; }

pipeline_run() {
    [ -s "$tmp/pipeline" ] && return
    start_server --think 200
    for _ in $(seq "$(((rounds + 1) / 2))"); do
        lua benchmarks/pipeline.lua >>"$tmp/pipeline"
    done
    stop_server
}

pipeline() {
    pipeline_run
    s=$(value wall_s "$tmp/pipeline")
    row pipeline "1.2 s" "$s s" "$s <= 1.2" "1,000 examples, two calls of 200 ms each, wall"
}

waves() {
    pipeline_run
    w=$(value waves "$tmp/pipeline")
    row waves "5 waves" "$w waves of 200 ms" "$w <= 5.5" "Backward of a batch of 64 of them"
}

startup() {
    "$bench/startup" 21 "$build/lunagrad" -e '' -- "${LUA:-lua5.4}" -e '' >"$tmp/startup"
    a=$(value ms_a "$tmp/startup") b=$(value ms_b "$tmp/startup")
    c=$(calc "$(value cpu_a "$tmp/startup") - $(value cpu_b "$tmp/startup")")
    row startup "lua5.4 + 5 ms" "+$(calc "$a - $b") ms (lua5.4 $b ms; CPU +$c ms)" "$a - $b <= 5" \
        "Start-up of lunagrad -e '', median of 21 pairs"
}

idle() {
    "$build/lunagrad" -e 'require("lunagrad").var("x", "text")
        for line in io.lines "/proc/self/status" do
            local name, kb = line:match "^(%w+):%s*(%d+) kB"
            if name == "VmRSS" or name == "RssAnon" then print(name .. "=" .. kb) end
        end' >"$tmp/idle"
    m=$(calc "$(value VmRSS "$tmp/idle") / 1024") a=$(calc "$(value RssAnon "$tmp/idle") / 1024")
    row idle "12 MB" "$m MB (its own $a, else libraries)" "$m <= 12" \
        "Resident memory with an idle engine"
}

graph() {
    : >"$tmp/graph"
    for n in 10000 100000 1000000; do
        lua benchmarks/graph.lua "$n" >>"$tmp/graph"
    done
    for unit in us_node bytes_node; do
        all=$(tr ' ' '\n' <"$tmp/graph" | sed -n "s/^$unit=//p" | tr '\n' ' ')
        r=$(echo "$all" | awk '{ lo = hi = $1
            for (i = 2; i <= NF; i++) { if ($i < lo) lo = $i; if ($i > hi) hi = $i }
            if (NR && lo) printf "%.3g", hi / lo; else print "nan" }')
        row graph "flat to 20%" "$r x (${all% })" "$r <= 1.2" \
            "$([ $unit = us_node ] && echo Time || echo Memory) a node, 10^4 to 10^6 nodes ($unit)"
    done
}

# store_rounds - calls without a store, with one, and with a durable one, in turn
store_rounds() {
    [ -s "$tmp/plain" ] && return
    start_server
    : >"$tmp/plain" >"$tmp/kept" >"$tmp/durable"
    for _ in $(seq "$rounds"); do
        for kind in plain kept durable; do
            rm -rf "$tmp/store"
            case $kind in
            plain) set -- ;;
            kept) set -- --store "$tmp/store" ;;
            durable) set -- --store "$tmp/store" --durable 1 ;;
            esac
            "$bench/engine_bench" --port "$port" --calls 20000 --inflight 128 --cpu 0 "$@" \
                >>"$tmp/$kind"
        done
    done
    stop_server
    rm -rf "$tmp/store"
}

journal() {
    store_rounds
    a=$(value cpu_us "$tmp/plain") b=$(value cpu_us "$tmp/kept") d=$(calc "$b - $a")
    row journal "15 us" "+$d us ($b us, without a store $a us)" "$d <= 15" \
        "CPU that a store adds to a call, 128 in flight"
}

journal_instructions() {
    start_server
    count_both plain engine_bench
    count_both kept engine_bench --store "$tmp/store"
    stop_server
    rm -rf "$tmp/store"
    a=$(difference all plain) b=$(difference all kept)
    row journal_instructions "195 k" "$b k (the store $(calc "$b - $a") k of it)" "$b <= 195" \
        "User instructions a call with a store (callgrind)"
}

durable() {
    store_rounds
    a=$(value wall_s "$tmp/kept") b=$(value wall_s "$tmp/durable") r=$(calc "100 * ($b / $a - 1)")
    row durable "10%" "$r% ($b s, else $a s)" "$r <= 10" \
        "Time that durable adds to 20,000 calls with a store"
}

served() {
    start_server
    rm -rf "$tmp/store"
    set -- --port "$port" --calls 100000 --inflight 128 --cpu 0 --store "$tmp/store"
    "$bench/engine_bench" "$@" >"$tmp/bought"
    stop_server
    "$bench/engine_bench" "$@" >"$tmp/served"
    rm -rf "$tmp/store"
    a=$(value cpu_us "$tmp/served")
    row served "20 us" "$a us" "$a <= 20" "CPU a stored reply served again, 10^5 in a row"
}

served_instructions() {
    start_server
    rm -rf "$tmp/store"
    "$bench/engine_bench" --port "$port" --calls 3128 --inflight 128 --store "$tmp/store" \
        >"$tmp/bought"
    stop_server
    kept_store=1
    count_both again engine_bench --store "$tmp/store"
    kept_store=
    rm -rf "$tmp/store"
    a=$(difference all again)
    row served_instructions "60 k" "$a k" "$a <= 60" \
        "User instructions a stored reply served (callgrind)"
}

open() {
    "$bench/store_bench" --store "$tmp/big" --fill 1000000 --open 11 >"$tmp/open"
    rm -rf "$tmp/big"
    a=$(value open_ms "$tmp/open")
    row open "50 ms" "$a ms" "$a <= 50" "Opening a store of 10^6 replies"
}

# Of N candidates and of five times as many: start-up falls out of the difference.
sandbox() {
    : >"$tmp/sandbox"
    for _ in $(seq "$rounds"); do
        "$bench/startup" 1 "$lua" benchmarks/sandbox.lua 1000 -- "$lua" benchmarks/sandbox.lua 5000 |
            awk '{ for (i = 1; i <= NF; i++) { split($i, p, "="); v[p[1]] = p[2] }
                   printf "us=%.1f\n", (v["cpu_b"] - v["cpu_a"]) / 4 }' >>"$tmp/sandbox"
    done
    a=$(value us "$tmp/sandbox")
    spread=$(sed 's/us=//' "$tmp/sandbox" | sort -n | sed -n '1h; $ { H; x; s/\n/ to /; p; }')
    row sandbox "120 us" "$a us ($spread)" "$a <= 120" "CPU of a trivial Lua candidate, its worker's too"
}

# 1,000 candidates of some milliseconds: what part of the time the workers run or want to, so
# that other work on the machine does not count.
sandbox_busy() {
    : >"$tmp/busy"
    for _ in $(seq "$rounds"); do lua benchmarks/sandbox.lua 1000 300000 >>"$tmp/busy"; done
    a=$(calc "$(value busy "$tmp/busy") * 100") b=$(value workers_rss "$tmp/busy")
    row sandbox_busy "90%" "$a% ($(value workers "$tmp/busy") workers, $b KB)" "$a >= 90" \
        "Time that 1,000 Lua candidates keep workers busy"
}

every="cpu instructions log flat memory growth latency pipeline waves startup idle graph
 journal journal_instructions durable served served_instructions open sandbox sandbox_busy"
printf '%-54s %-16s %-44s %-7s %s\n' what limit measured '' 'measure again with'
for name in ${*:-$every}; do
    case " $(echo $every) " in
    *" $name "*) "$name" ;;
    *) echo "run.sh: no row '$name'" >&2 && exit 2 ;;
    esac
done
