{#- What a policy of seeds/metric_policy.csv says about a setting, as text known when the model compiles; the default where it
    says nothing. The run passes the policies, so a private build can pass others. -#}
{% macro policy_choice(policy, setting, default) -%}
    {{ return(var('policies', {}).get(policy, {}).get(setting) or default) }}
{%- endmacro %}
