{#- What tells spellings apart: a word without case, blanks and punctuation, its digits, and the number of edits to another word. -#}
{% macro plain_letters(column) -%}
    {{ return(adapter.dispatch('strip_to')(column, 'a-z0-9')) }}
{%- endmacro %}

{% macro digits(column) -%}
    {{ return(adapter.dispatch('strip_to')(column, '0-9')) }}
{%- endmacro %}

{% macro default__strip_to(column, kept) -%}
    regexp_replace(lower({{ column }}), '[^{{ kept }}]', '', 'g')
{%- endmacro %}

{% macro spark__strip_to(column, kept) -%}
    regexp_replace(lower({{ column }}), '[^{{ kept }}]', '')
{%- endmacro %}

{% macro edit_distance(left, right) -%}
    {{ return(adapter.dispatch('edit_distance')(left, right)) }}
{%- endmacro %}

{% macro default__edit_distance(left, right) -%}
    levenshtein({{ left }}, {{ right }})
{%- endmacro %}

{#- From the extension fuzzystrmatch, which takes no longer texts. -#}
{% macro postgres__edit_distance(left, right) -%}
    levenshtein(left({{ left }}, 255), left({{ right }}, 255))
{%- endmacro %}
