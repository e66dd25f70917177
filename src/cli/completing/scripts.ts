/**
 * What each shell needs to ask `gantry __complete` at a Tab. None of them evaluates what was typed or what was answered:
 * words go to gantry as they are, and the shells quote what they insert (bash's part comes quoted).
 */
export const SCRIPTS = {
  bash: `# bash completion for gantry:  source <(gantry completion bash)
_gantry() {
  local program=gantry lines
  [[ \${COMP_WORDS[0]} == */* ]] && program=\${COMP_WORDS[0]}
  mapfile -t lines < <("$program" __complete bash "\${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null </dev/null)
  local paths=\${lines[0]-} line
  lines=("\${lines[@]:1}")
  COMPREPLY=()
  # The list that a second Tab asks for says what each is.
  if ((COMP_TYPE == 63 && \${#lines[@]} > 1)); then
    local width=0 room=$((\${COLUMNS:-80} - 4)) value about
    for line in "\${lines[@]}"; do
      value=\${line%%$'\\t'*}
      ((\${#value} > width)) && width=\${#value}
    done
    for line in "\${lines[@]}"; do
      value=\${line%%$'\\t'*} about=\${line#*$'\\t'}
      [[ -n $about ]] && printf -v value '%-*s  (%s)' "$width" "$value" "$about"
      ((\${#value} > room)) && value=\${value:0:room - 1}…
      COMPREPLY+=("$value")
    done
  else
    for line in "\${lines[@]}"; do COMPREPLY+=("\${line%%$'\\t'*}"); done
  fi
  [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *[=:,] ]] && compopt -o nospace
  if [[ \${#COMPREPLY[@]} == 0 && $paths == files ]]; then
    compopt -o bashdefault -o default
  elif [[ \${#COMPREPLY[@]} == 0 && $paths == folders ]]; then
    compopt -o dirnames
  fi
}
complete -o nosort -F _gantry gantry
`,
  zsh: `#compdef gantry
# zsh completion for gantry:  source <(gantry completion zsh), or as _gantry in a folder of $fpath
_gantry() {
  local program=gantry
  [[ $words[1] == */* ]] && program=$words[1]
  local -a lines values shown partial partial_shown
  lines=("\${(@f)$("$program" __complete zsh "\${(@)words[1,CURRENT-1]}" "$PREFIX" 2>/dev/null </dev/null)}")
  local paths=$lines[1] line value about
  local -i width=0 found=1
  lines=("\${(@)lines[2,-1]}")
  for line in "\${(@)lines}"; do
    value=\${line%%$'\\t'*}
    (( \${#value} > width )) && width=\${#value}
  done
  for line in "\${(@)lines}"; do
    value=\${line%%$'\\t'*} about=\${line#*$'\\t'}
    [[ -z $value ]] && continue
    [[ -n $about ]] && about="\${(r:width:)value}  -- $about" || about=$value
    about=\${about[1,COLUMNS-1]}
    if [[ $value == *[=:,] ]]; then
      partial+=("$value") partial_shown+=("$about")
    else
      values+=("$value") shown+=("$about")
    fi
  done
  (( $#values )) && compadd -l -d shown -a -- values && found=0
  (( $#partial )) && compadd -l -S '' -d partial_shown -a -- partial && found=0
  if [[ -n $paths ]]; then
    [[ $PREFIX == -*=* ]] && compset -P '*='
    if [[ $paths == folders ]]; then _files -/ && found=0; else _files && found=0; fi
  fi
  return found
}
if [[ $zsh_eval_context == *loadautofunc* ]]; then _gantry "$@"; else compdef _gantry gantry; fi
`,
  fish: `# fish completion for gantry:  gantry completion fish | source
function __gantry_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program gantry
    string match -q '*/*' -- $words[1]; and set program $words[1]
    set -l lines ($program __complete fish (string escape --style=script -- $words) "$current" 2>/dev/null </dev/null)
    set -l head (string match -r '^-.*?=' -- $current)
    set -l path (string sub -s (math 1 + (string length -- "$head")) -- $current)
    switch "$lines[1]"
        case files
            printf '%s\\n' "$head"(__fish_complete_path $path)
        case folders
            printf '%s\\n' "$head"(__fish_complete_directories $path '')
    end
    set -e lines[1]
    printf '%s\\n' $lines
end
complete -c gantry -f -a '(__gantry_complete)'
`,
} as const;
