{#- The rows of a relation once in total and once per dimension, with `dimension` and `dimension_value`. An empty value is 'unknown'. -#}
{% macro slice_by(relation, dimensions, columns) -%}
    select
        cast('all' as {{ dbt.type_string() }}) as dimension,
        cast('all' as {{ dbt.type_string() }}) as dimension_value,
        {{ columns | join(',\n        ') }}
    from {{ relation }}
    {%- for dimension in dimensions %}
    union all
    select
        '{{ dimension }}' as dimension,
        coalesce({{ dimension }}, 'unknown') as dimension_value,
        {{ columns | join(',\n        ') }}
    from {{ relation }}
    {%- endfor %}
{%- endmacro %}
