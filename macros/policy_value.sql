{#- A number from seeds/metric_policy.csv, or the default where the policy says nothing. -#}
{% macro policy_value(policy, setting, default) -%}
    coalesce((
        select max({{ try_cast('value', 'double') }})
        from {{ ref('metric_policy') }}
        where policy = '{{ policy }}' and setting = '{{ setting }}'
    ), {{ default }})
{%- endmacro %}
