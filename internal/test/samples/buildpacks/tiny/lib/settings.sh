# Shared by the tiny buildpacks; sourced, with the application as the current
# directory.

# setting KEY [DEFAULT] prints what the test asked for: the file bp-config/KEY of
# the application, else the variable BP_KEY (in capitals, - and . become _), else
# DEFAULT.
setting() {
	if [ -f "bp-config/$1" ]; then
		cat "bp-config/$1"
		return
	fi
	variable=BP_$(echo "$1" | tr 'a-z.-' 'A-Z__')
	eval "value=\${$variable-}"
	echo "${value:-${2-}}"
}

# asked KEY tells whether there is such a setting, be it empty.
asked() {
	[ -f "bp-config/$1" ] && return 0
	variable=BP_$(echo "$1" | tr 'a-z.-' 'A-Z__')
	eval "[ -n \"\${$variable+set}\" ]"
}

# state LAYER prints how the platform gave us a layer: restored (content and
# metadata), known (metadata alone), unexpected (content alone) or new.
state() {
	if [ -d "$CNB_LAYERS_DIR/$1" ]; then
		[ -f "$CNB_LAYERS_DIR/$1.toml" ] && echo restored || echo unexpected
	else
		[ -f "$CNB_LAYERS_DIR/$1.toml" ] && echo known || echo new
	fi
}

# types NAMES writes the [types] table for a list that names launch, build and
# cache.
types() {
	echo '[types]'
	for type in launch build cache; do
		case "$1" in
		*"$type"*) echo "$type = true" ;;
		*) echo "$type = false" ;;
		esac
	done
}
