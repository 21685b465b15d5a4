# Looks for secrets everywhere a process can look. It runs as a process of its own,
# the only one that knows what it looks for. The setting "probe" lists what to look for, one secret per line, each
# written in hexadecimal so that the list itself is no find. Prints
#
#     probe: FOUND place        for each place where one of them is
#     probe: fd N target        for each descriptor beyond the standard ones
#     probe: socket path        for each Unix socket that has a name
#     probe: memory PID         for each process whose memory can be read
#     probe: done, N places     at the end
#     probe: BROKEN             instead of everything, if it could find nothing
#
# It never puts a secret on a command line, into an environment or into a file,
# where it would find itself.

. "$CNB_BUILDPACK_DIR/lib/settings.sh"

needles=''
for hex in $(setting probe); do
	# shellcheck disable=SC2059 # the format is the point
	needles="$needles$(printf "$(echo "$hex" | sed 's/../\\x&/g')")
"
done
needles=$(printf '%s' "$needles") # an empty line would match everything
places=0

# holds reads standard input and tells whether a needle is in it. For busybox a
# line ends where a zero byte is.
holds() {
	tr -s '\000' '\n' | grep -qF -f /proc/self/fd/9 9<<-NEEDLES
		$needles
	NEEDLES
}

# look NAME FILE
look() {
	places=$((places + 1))
	if holds < "$2"; then
		echo "probe: FOUND $1"
	fi
} 2> /dev/null

look_at_processes() {
	for process in /proc/[0-9]*; do
		pid=${process#/proc/}
		for file in environ cmdline; do
			look "$process/$file" "$process/$file"
		done
		for fd in "$process"/fd/*; do
			target=$(readlink "$fd" 2> /dev/null) || continue
			case $target in
			/dev/* | pipe:* | socket:* | anon_inode:* | /proc/*) ;;
			*) [ ! -f "$fd" ] || look "$fd -> $target" "$fd" ;;
			esac
		done
	done
}

# look_at_memory reads what processes other than this one and its children
# have in memory.
look_at_memory() {
	for process in /proc/[0-9]*; do
		pid=${process#/proc/}
		case " $known " in *" $pid "*) ;; *) continue ;; esac
		[ "$pid" != $$ ] || continue
		maps=$(grep ' rw' "$process/maps" 2> /dev/null) || continue
		[ -n "$maps" ] || continue
		echo "probe: memory $pid $(tr '\000' ' ' < "$process/cmdline" 2> /dev/null)"
		places=$((places + 1))
		echo "$maps" | while IFS=' -' read -r start end rest; do
			from=$((0x$start / 4096)) to=$((0x$end / 4096))
			# Larger ranges are address space that nothing is in.
			[ $((to - from)) -le 65536 ] || to=$((from + 65536))
			if dd if="$process/mem" bs=4096 skip="$from" count=$((to - from)) 2> /dev/null | holds; then
				echo "probe: FOUND memory of $pid"
			fi
		done
	done
}

look_at_files() {
	# Names first: what looking writes must not be looked at.
	# Where the root itself cannot be listed, the caller says where to begin.
	begin="/ $(setting probe-places)"
	# shellcheck disable=SC2086 # they are several
	files=$(find $begin \( -path /proc -o -path /sys \) -prune -o -type f -readable -print 2> /dev/null ||
		find $begin \( -path /proc -o -path /sys \) -prune -o -type f -print 2> /dev/null)
	while read -r file; do
		look "$file" "$file"
	done <<-FILES
		$files
	FILES
	# shellcheck disable=SC2086
	find $begin \( -path /proc -o -path /sys \) -prune -o -type s -print 2> /dev/null | sed 's/^/probe: socket /'
	sed -n 's/.*\(@.*\)$/probe: socket \1/p' /proc/net/unix 2> /dev/null
	for file in /proc/keys /proc/mounts /proc/self/mountinfo /proc/net/unix; do
		look "$file" "$file"
	done
}

# A probe that finds nothing must be one that would have found something.
if ! printf 'first\000before %s after\000last' "${needles%%
*}" | holds || echo nothing | holds; then
	echo "probe: BROKEN"
	exit 1
fi
known=''
for process in /proc/[0-9]*; do
	known="$known ${process#/proc/}"
done
env | {
	if holds; then
		echo "probe: FOUND environment"
	fi
}
# What the shell itself has open, a program that it starts does not get.
ls -l /proc/self/fd 2> /dev/null | sed -n 's/.* \([0-9]*\) -> \(.*\)/\1 \2/p' | while read -r number target; do
	case $number:$target in
	[012]:* | *:/proc/*/fd) ;;
	*) echo "probe: fd $number $target" ;;
	esac
done
look_at_processes
look_at_memory
look_at_files
echo "probe: done, $places places"
