# frozen_string_literal: true

Rails.application.routes.draw do
  mount Tasker::Health => "/tasker"

  defaults format: :json do
    resource :session, only: %i[show create destroy]
    resources :documents, only: %i[index show create] do
      resource :review, only: :create
    end
  end
end
