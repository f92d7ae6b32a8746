// What `completion` prints: scripts that know nothing themselves, and ask `duo-fleet complete` at each Tab.
import type { Shell } from './flags.ts';

/**
 * Parts the line at blanks, since bash parts it at : and =, too (COMP_WORDBREAKS). Readline puts an answer in the place of
 * what is behind the last such character only (bash(1), "Programmable Completion"): what is before it is cut off.
 */
const BASH = String.raw`# duo-fleet's completions for bash: source <(duo-fleet completion bash)
_duo_fleet() {
  local line=\${COMP_LINE:0:COMP_POINT} current=\${2#[\"\']} answer word
  local -a words
  COMPREPLY=()
  IFS=$' \t' read -ra words <<<"$line"
  [[ $line == *[[:blank:]] ]] && words+=('')
  words=("\${words[@]//[\"\']/}")
  answer=$(command duo-fleet complete -- "\${words[@]:1}" 2>/dev/null) || return 0
  word=\${words[\${#words[@]}-1]}
  if [[ $answer == :files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return 0
  fi
  local skip=$((\${#word} - \${#current}))
  while IFS=$'\t' read -r answer _; do
    [[ -n $answer ]] && COMPREPLY+=("\${answer:skip}")
  done <<<"$answer"
}
complete -o nosort -F _duo_fleet duo-fleet 2>/dev/null || complete -F _duo_fleet duo-fleet
`;

const ZSH = String.raw`#compdef duo-fleet
# duo-fleet's completions for zsh: source <(duo-fleet completion zsh), after compinit
_duo_fleet() {
  local -a lines items
  local line word
  lines=("\${(@f)$(command duo-fleet complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  if [[ $lines[1] == :files ]]; then
    compset -P '--[^=]#='
    _files
    return
  fi
  for line in $lines; do
    word=\${line%%$'\t'*}
    items+=("\${word//:/\\:}\${\${line#$word}/$'\t'/:}")
  done
  (( $#items )) && _describe -V duo-fleet items
}
compdef _duo_fleet duo-fleet 2>/dev/null
`;

const FISH = String.raw`# duo-fleet's completions for fish: duo-fleet completion fish | source
function __duo_fleet_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct | string trim -l -c '"\'')
    set -l answer (command duo-fleet complete -- $before[2..-1] "$current" 2>/dev/null)
    if test "$answer[1]" = :files
        set -l flag (string match -r -- '^--[^=]*=' "$current")
        for path in (__fish_complete_path (string replace -r '^--[^=]*=' '' -- "$current"))
            echo "$flag$path"
        end
    else
        printf '%s\n' $answer
    end
end
complete -c duo-fleet -f -a '(__duo_fleet_complete)'
`;

/** Without the backslashes by which a template's text keeps a shell's `${`. */
const script = (text: string): string => text.replaceAll('\\${', '${');

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: script(BASH),
  zsh: script(ZSH),
  fish: script(FISH),
};
