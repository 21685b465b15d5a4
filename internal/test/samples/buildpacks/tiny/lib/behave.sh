# What detect and build of the behave buildpack share; sourced.

# behave PHASE does what settings that begin with the phase's name ask for.
behave() {
	if asked "$1-print-env"; then
		env | sort | sed "s/^/$1: env: /"
	fi
	if asked "$1-run"; then
		sh -c "$(setting "$1-run")" 2>&1 | sed "s/^/$1: run: /"
	fi
	if asked "$1-background"; then
		# The caller picks a number of seconds by which it knows the process.
		setsid sh -c "exec sleep $(setting "$1-background")" < /dev/null > /dev/null 2>&1 &
		echo "$1: left a process behind"
	fi
	if asked "$1-background-output"; then
		# This one holds on to the phase's output, too.
		setsid sh -c "exec sleep $(setting "$1-background-output")" &
		echo "$1: left a process behind that holds the output"
	fi
	if asked "$1-fill"; then
		# More than any disk of a test has.
		echo "$1: writing $(setting "$1-fill") MB"
		dd if=/dev/zero of="${CNB_LAYERS_DIR:-/tmp}/fill" bs=1M count="$(setting "$1-fill")" 2>&1
	fi
	if asked "$1-sleep"; then
		echo "$1: sleeping"
		sleep "$(setting "$1-sleep")"
		echo "$1: slept"
	fi
	if asked "$1-exit"; then
		echo "$1: exiting with $(setting "$1-exit")"
		exit "$(setting "$1-exit")"
	fi
}

# place prints where a phase runs.
place() {
	{
		echo "id: $(id)"
		echo "pwd: $(pwd)"
		echo "home: ${HOME-unset} $(ls -ldn "${HOME:-/}" 2>&1)"
		echo "umask: $(umask)"
		echo "stdin: $(readlink /proc/self/fd/0)"
		echo "hostname: $(hostname)"
		for dir in / /workspace /layers /platform /cnb /tmp /home /home/cnb /etc/passwd; do
			echo "ls: $(ls -ldn "$dir" 2>&1)"
		done
		sed 's/^/mount: /' /proc/self/mounts
		grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status | sed 's/^/status: /'
		sed 's/^/uid_map: /' /proc/self/uid_map
		for process in /proc/[0-9]*; do
			echo "process: $(basename "$process") $(tr '\000' ' ' < "$process/cmdline" 2>/dev/null)"
		done
		ls /sys/class/net 2> /dev/null | sed 's/^/network: /'
		for dir in / /cnb /cnb/lifecycle /usr /bin /etc /platform /layers /workspace /tmp "${HOME:-/}"; do
			if touch "$dir/.writable" 2> /dev/null; then
				rm -f "$dir/.writable"
				echo "writable: $dir"
			fi
		done
	} | sed 's/^/place: /'
}
