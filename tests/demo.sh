#!/usr/bin/env bash
# The main job in under a minute: every command below is real, and so is its output. Any step that does not go as
# expected ends the demo with a line that says which. Called by `./dev demo`, which has built the binary.
#
# Nothing outside a temporary directory is written; the daemon of the demo is its own, beside any other one.
set -euo pipefail

readonly ordinary_uid=54321

say_error() { printf 'demo: %s\n' "$*" >&2; }
die() {
  say_error "$*"
  exit 1
}

prepare() {
  local binary
  binary=${PONTOON_BINARY:-$(dirname "$(readlink -f "$0")")/../build/release/pontoon}
  [ -x "$binary" ] || die "there is no $binary; ./dev build makes it"
  local tool
  for tool in busybox comm curl ip ss setpriv timeout unshare; do
    command -v "$tool" >/dev/null || die "this needs the command $tool; ./dev demo installs it"
  done
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/pontoon-demo.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  # Copies, so that an ordinary user can execute them wherever the checkout lies.
  mkdir "$scratch/bin"
  cp "$binary" "$scratch/bin/pontoon"
  cp "$0" "$scratch/demo.sh"
  local step_down=(setpriv "--reuid=$ordinary_uid" "--regid=$ordinary_uid" --clear-groups)
  if [ "$(id -u)" -ne 0 ]; then
    play "Everything below runs as you, uid $(id -u)."
  elif "${step_down[@]}" unshare --user --net true 2>/dev/null; then
    chown -R $ordinary_uid:$ordinary_uid "$scratch"
    play "You are root, so the demo has stepped down: everything below runs as uid $ordinary_uid, an ordinary user." \
      "${step_down[@]}"
  else
    play "Ordinary users may not make user namespaces on this host: everything below runs as root."
  fi
}

# play REMARK COMMAND...: the show, as whom the command makes us. Ctrl-C reaches the show as well, which cleans up
# after itself.
play() {
  trap : INT TERM
  local status=0 who=$1
  shift
  PONTOON_DEMO_DIR=$scratch "$@" bash "$scratch/demo.sh" "$who" || status=$?
  exit $status
}

if [ -t 1 ]; then bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'; else bold='' dim='' plain=''; fi

step=0
output=
status=0

headline() {
  step=$((step + 1))
  printf '\n%s# %d. %s%s\n' "$dim" "$step" "$*" "$plain"
}
remark() { printf '%s# %s%s\n' "$dim" "$*" "$plain"; }
prompt() { printf '%s$ %s%s\n' "$bold" "$1" "$plain"; }

# Shows a command and what it says; keeps both for expect().
run() {
  prompt "$1"
  status=0
  output=$(timeout --foreground 20 bash -c "$1" 2>&1) || status=$?
  [ -z "$output" ] || printf '%s\n' "$output"
}

fail() {
  say_error "step $step failed: $*"
  if [ -e run/daemon.log ]; then
    say_error "the daemon's last words:"
    tail -n 15 run/daemon.log >&2
  fi
  exit 1
}

# expect STATUS TEXT...: what the last command must have given.
expect() {
  local want=$1 text
  shift
  if [ "$want" = failure ]; then
    [ "$status" -ne 0 ] || fail "the last command was to fail, but it did not"
  else
    [ "$status" -eq "$want" ] || fail "the last command ended with status $status, not $want"
  fi
  for text in "$@"; do
    [[ $output == *"$text"* ]] || fail "the last command's output does not contain \"$text\""
  done
}

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "waited in vain until $what"
    sleep 0.1
  done
}

backstage=()
# Starts a command in the background with its output in a file.
start() {
  local log=$1
  prompt "$2 &"
  bash -c "exec $2" >"$log" 2>&1 </dev/null &
  backstage+=($!)
}

free_port() {
  local port=$1
  while [ -n "$(ss -Htln "sport = :$port")" ]; do port=$((port + 1)); done
  printf '%s\n' "$port"
}

# An address of this host that is not loopback: what a container sees as the outside.
outside_address() {
  local address
  while read -r _ _ _ address _; do
    printf '%s' "${address%/*}"
    return
  done <<<"$(ip -4 -o address show scope global up)"
}

two_downloads() { [ "$(pontoon flows | grep -c ESTABLISHED)" -eq 2 ]; }
up() { pontoon inspect "$1" | grep -q '"status": "up"'; }
address_of() { pontoon inspect "$1" | sed -n 's/^ *"address": "\([0-9.]*\).*/\1/p'; }
daemon_pid() { pontoon version --json | sed -n 's/^ *"pid": \([0-9]*\).*/\1/p'; }
# A zombie has ended too: nobody may be there to reap it.
gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"; }

# This user's pontoon processes: /proc tells the user and the command line even of those that may not be looked into.
pontoon_processes() {
  local directory word value uid first
  for directory in /proc/[0-9]*; do
    uid='' first=''
    while read -r word value _; do
      if [ "$word" = Uid: ]; then uid=$value; fi
    done <"$directory/status" || true
    [ "$uid" = "$(id -u)" ] || continue
    IFS= read -r -d '' first <"$directory/cmdline" || true
    [ "${first##*/}" != pontoon ] || printf '%s\n' "${directory#/proc/}"
  done 2>/dev/null | sort
}
left_over() { comm -13 "$scratch/before" - <<<"$(pontoon_processes)"; }
nothing_left() { [ -z "$(left_over)" ]; }

clean_up() {
  trap '' INT TERM
  pontoon stop >/dev/null 2>&1 || true
  local pid
  for pid in "${backstage[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${backstage[@]}"; do wait "$pid" 2>/dev/null || true; done
  local tries=0
  while ! nothing_left && [ $tries -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
}

set_the_stage() {
  scratch=$PONTOON_DEMO_DIR
  unset PONTOON_DEMO_DIR
  export HOME=$scratch PATH=$scratch/bin:$PATH
  export PONTOON_RUNTIME_DIR=$scratch/run PONTOON_STATE_DIR=$scratch/state
  cd "$scratch"
  mkdir www outside
  echo 'Hello from web, a server without any privilege.' >www/index.html
  echo 'Hello from outside.' >outside/index.html
  truncate -s 64M outside/big www/big  # holes: they take no room
  # What busybox udhcpc calls with a lease in its environment.
  cat >on-lease <<'SCRIPT'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address replace "$ip/$mask" dev "$interface"
ip route replace default via "$router"
echo "on-lease: $ip/$mask for $lease s, router $router, DNS server $dns, domain $domain"
SCRIPT
  chmod +x on-lease
  pontoon_processes >before
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  port=$(free_port 8080)
  outside_port=$(free_port 9090)
  outside=$(outside_address)
}

introduce() {
  remark "pontoon, shown with real processes: no container engine, no kernel NAT."
  remark "$1"
  if (exec 3<>/dev/net/tun) 2>/dev/null; then
    remark "/dev/net/tun is open to this user: frames go through TAP interfaces."
  else
    remark "/dev/net/tun is closed to this user: frames go through packet sockets on veth pairs instead."
  fi
}

web_server() {
  headline "A web server on a network of its own, published on port $port of the host"
  start web.log "pontoon run --name web -p 127.0.0.1:$port:80 -- busybox httpd -f -p 80 -h www"
  local pid=${backstage[-1]}
  await 15 "web is up" eval "up web || gone $pid"
  cat web.log
  up web || fail "web has ended already"
  web=$(address_of web)
  run "pontoon ps"
  expect 0 "$web" "127.0.0.1:$port->80/tcp"
  run "curl -s http://127.0.0.1:$port/"
  expect 0 "Hello from web"
}

names() {
  headline "Other containers find it by name, and its address leads back to the name"
  run "pontoon run --name shell -- busybox wget -qO- http://web/"
  expect 0 "Hello from web"
  run "pontoon run --name shell -- busybox nslookup -type=a web.default.internal"
  expect 0 "Address: $web"
  local a b c d
  IFS=. read -r a b c d <<<"$web"
  run "pontoon run --name shell -- busybox nslookup -type=ptr $d.$c.$b.$a.in-addr.arpa"
  expect 0 "name = web.default.internal"
}

dhcp() {
  headline "Addresses also come by DHCP, to a real client"
  run "pontoon run --name lodger --dhcp -- busybox udhcpc -fqn -i eth0 -s ./on-lease"
  expect 0 "obtained from" "domain default.internal"
  run "pontoon leases"
  expect 0 "web" "lodger"
}

way_out() {
  if [ -n "$outside" ]; then
    headline "The way out is a TCP/IP stack in the daemon. Outside: a server on this host's address $outside"
    start outside.log "busybox httpd -f -p $outside:$outside_port -h outside"
    url=http://$outside:$outside_port network=''
  else
    headline "The way out is a TCP/IP stack in the daemon. This host has no address but loopback, so a network that may use it:"
    start outside.log "busybox httpd -f -p 127.0.0.1:$outside_port -h outside"
    run "pontoon network create --allow-host-loopback near"
    expect 0
    url=http://host.pontoon.internal:$outside_port network='--network near '
  fi
  await 5 "the server outside listens" curl -s "http://${outside:-127.0.0.1}:$outside_port/"
  run "pontoon run --name shell $network-- busybox wget -qO- $url/"
  expect 0 "Hello from outside"
  remark "Two slow downloads, one on the way out and one on the way in:"
  start slow-out.log "pontoon run --name slow $network-- curl -s --limit-rate 200k -o /dev/null $url/big"
  start slow-in.log "curl -s --limit-rate 200k -o /dev/null http://127.0.0.1:$port/big"
  local downloads=("${backstage[@]: -2}")
  await 10 "both downloads flow" two_downloads
  run "pontoon flows"
  expect 0 "tcp (published)" ":$outside_port"
  kill "${downloads[@]}" 2>/dev/null || true
  wait "${downloads[@]}" 2>/dev/null || true
}

isolation() {
  headline "Networks are isolated: from each other, and from the host's loopback"
  run "pontoon network create back"
  expect 0
  run "pontoon network ls"
  expect 0 "back"
  run "pontoon run --network back -- busybox nslookup -type=a web.default.internal"
  expect failure "NXDOMAIN"
  run "pontoon run --network back -- busybox wget -qO- http://$web/"
  expect failure "can't connect"
  run "pontoon run -- busybox wget -qO- http://host.pontoon.internal:$port/"
  expect failure "can't connect"
}

helpful_error() {
  headline "An error says what to do next"
  run "pontoon run --name web2 -p 127.0.0.1:$port:80 -- busybox httpd -f -p 80"
  expect 125 "already allocated by web"
}

survive() {
  headline "The daemon dies. Containers live on, and are attached again to the next one, with the same address"
  local pid seen
  pid=$(daemon_pid)
  seen=$(wc -l <web.log)
  run "kill -9 $pid    # the daemon"
  expect 0
  await 5 "the daemon is dead" gone "$pid"
  run "pontoon run --name shell -- true"
  expect 0 "started the daemon"
  await 10 "web is attached again" up web
  tail -n "+$((seen + 1))" web.log
  run "pontoon ps"
  expect 0 "$web" "127.0.0.1:$port->80/tcp"
  run "curl -s http://127.0.0.1:$port/"
  expect 0 "Hello from web"
}

stop() {
  headline "The end: commands are terminated, and nothing is left behind"
  local pid seen
  pid=$(daemon_pid)
  seen=$(wc -l <web.log)
  run "pontoon stop"
  expect 0
  await 5 "the daemon has ended" gone "$pid"
  await 5 "every process of pontoon has ended" nothing_left
  tail -n "+$((seen + 1))" web.log
  run "curl -sS http://127.0.0.1:$port/"
  expect failure
  run "ls run"
  expect 0 "daemon.log"
  [[ $output != *sock* ]] || fail "a socket was left in the runtime directory"
}

main() {
  set_the_stage
  introduce "$1"
  web_server
  names
  dhcp
  way_out
  isolation
  helpful_error
  survive
  stop
  printf '\n'
  remark "All $step steps went as expected. It took $SECONDS s."
}

if [ -z "${PONTOON_DEMO_DIR:-}" ]; then prepare; else main "$@"; fi
